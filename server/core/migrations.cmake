# The files of migrations/ are compiled in, in the order of their names, as the table of core/migrate.h.
enable_language(ASM)
file(GLOB migration_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/migrations/[0-9]*.sql)
list(SORT migration_files)

set(texts "")
set(rows "")
set(i 0)
foreach(f ${migration_files})
  get_filename_component(name ${f} NAME_WE)
  string(APPEND texts "name${i}: .asciz \"${name}\"\ntext${i}: .incbin \"${f}\"\nend${i}: .byte 0\n")
  string(APPEND rows "    .quad name${i}, text${i}, end${i} - text${i}\n")
  math(EXPR i "${i} + 1")
endforeach()
file(GENERATE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/migrations.S CONTENT
"    .section .rodata
${texts}
    .section .data.rel.ro, \"aw\"
    .balign 16
    .global certdesk_migrations, certdesk_migrations_n
certdesk_migrations:
${rows}
certdesk_migrations_n: .quad ${i}
    .section .note.GNU-stack,\"\",@progbits
")
set_source_files_properties(${CMAKE_CURRENT_BINARY_DIR}/migrations.S
                            PROPERTIES GENERATED TRUE OBJECT_DEPENDS "${migration_files}")
target_sources(core PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/migrations.S)
