-- Which materials are the agent's, and are asked for again when that is somebody else (S11, S13).
ALTER TABLE channel_material
  ADD COLUMN IF NOT EXISTS of_agent TINYINT NOT NULL DEFAULT 0 AFTER max_bytes;
