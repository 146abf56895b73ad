// Where the server dies while money goes back (crash_refund.test.mjs); in the form of crash.test.mjs's table.
const COMMIT = ['db.commit.before:1', 'db.commit.after:1'];
export const REFUND_POINTS = {
  // A paid order is given up.
  cancelPaid: [...COMMIT, 'outbox.claimed', 'payment.before', 'payment.after', 'payment.refunded', 'outbox.called', 'outbox.done'],
  // Another is paid in the moment in which it is cancelled; nobody is told: closing its code finds out.
  cancelWhilePaid: [...COMMIT, 'outbox.claimed', 'payment.before', 'payment.after', 'payment.settle.before', 'payment.settle.after', 'outbox.done'],
  // Its money goes back by itself when the grace is over.
  goesBack: ['outbox.claimed', 'payment.before', 'payment.after', 'payment.refunded', 'outbox.called', 'outbox.done'],
};
