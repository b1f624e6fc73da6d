/* The longer tests of the file: a part of check_elf_tests each. */
#ifndef VMM_CHECK_ELF_PARTS_H
#define VMM_CHECK_ELF_PARTS_H

#include "check/elf_image.h"

void elf_check_imports(struct check_run *run);
void elf_check_statics(struct check_run *run);
void elf_check_constructors(struct check_run *run);

#endif
