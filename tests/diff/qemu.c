/*
 * The witness: qemu-user runs the image as a static ELF file. Its entry installs a signal handler
 * for illegal instructions; its exit writes the data area to the standard output.
 */
#include "diff/side.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "diff/insn.h"

#define TIMEOUT_MS 30000

/* Linux, riscv64: system calls, and where struct ucontext keeps the pc. */
#define SYS_WRITE        64
#define SYS_EXIT         93
#define SYS_SIGALTSTACK  132
#define SYS_RT_SIGACTION 134
#define SYS_MMAP         222
#define LINUX_SIGILL     4
#define UCONTEXT_PC      176
#define LINUX_SA_SIGINFO 4u
#define LINUX_SA_ONSTACK 0x08000000u

#define STACK_SIZE 0x8000

#define HANDLER   0x400u
#define ARGUMENTS 0xc00u /* struct sigaction, struct sigaltstack */

enum { A0 = 10, A1, A2, A3, A4, A5, A7 = 17, T0 = 5 };

static const char *const names[] = {"qemu-riscv64-static", "qemu-riscv64"};

const char *qemu_program(void)
{
    const char *own = getenv("QEMU_RISCV64");
    const char *path = getenv("PATH");
    char file[4096];

    if (own != NULL)
        return own;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        for (const char *p = path; p != NULL && *p != '\0';) {
            size_t n = strcspn(p, ":");
            snprintf(file, sizeof(file), "%.*s/%s", (int)n, p, names[i]);
            if (access(file, X_OK) == 0)
                return names[i];
            p += n + (p[n] == ':');
        }
    }
    return NULL;
}

/* A processor with our extensions and no others. "rv64" was just that in qemu 7.2; later ones add
 * Zfa and more to it, and have "rv64i" to begin from. */
static const char *qemu_cpu(void)
{
    static const char *cpu;
    char line[4200];

    if (cpu != NULL)
        return cpu;
    cpu = "rv64,zba=true,zbb=true,zbs=true,zbc=false";
    snprintf(line, sizeof(line), "'%s' -cpu help 2>/dev/null", qemu_program());
    FILE *help = popen(line, "r");
    while (help != NULL && fgets(line, sizeof(line), help) != NULL)
        if (strcmp(line + strspn(line, " "), "rv64i\n") == 0)
            cpu = "rv64i,g=true,c=true,zicntr=true,zba=true,zbb=true,zbs=true";
    if (help != NULL)
        pclose(help);
    return cpu;
}

static void call(struct writer *w, uint32_t number)
{
    write_insn(w, enc_i(OP_IMM, 0, A7, 0, (int32_t)number));
    write_insn(w, enc_i(OP_SYSTEM, 0, 0, 0, 0));
}

static void write_entry(struct image *image)
{
    struct writer w = {image->mem, 0};

    write_li(&w, A0, LINUX_SIGILL);
    write_li(&w, A1, IMAGE_BASE + ARGUMENTS);
    write_li(&w, A2, 0);
    write_li(&w, A3, 8);
    call(&w, SYS_RT_SIGACTION);
    /* The signal stack lies where no program's x2 comes to point by chance. */
    write_li(&w, A0, 0);
    write_li(&w, A1, STACK_SIZE);
    write_li(&w, A2, 3);    /* PROT_READ | PROT_WRITE */
    write_li(&w, A3, 0x22); /* MAP_PRIVATE | MAP_ANONYMOUS */
    write_insn(&w, enc_i(OP_IMM, 0, A4, 0, -1));
    write_li(&w, A5, 0);
    call(&w, SYS_MMAP);
    write_li(&w, A1, IMAGE_BASE + ARGUMENTS);
    write_insn(&w, enc_s(OP_STORE, 3, A1, A0, 24));
    write_li(&w, A0, IMAGE_BASE + ARGUMENTS + 24);
    write_li(&w, A1, 0);
    call(&w, SYS_SIGALTSTACK);
    write_li(&w, T0, IMAGE_BASE + image_block_offset(0));
    write_insn(&w, enc_i(OP_LOAD, 3, T0 + 1, T0, BLOCK_CODE));
    write_insn(&w, enc_i(OP_JALR, 0, 0, T0 + 1, 0));

    w.at = HANDLER; /* a2: struct ucontext */
    write_insn(&w, enc_i(OP_LOAD, 3, A3, A2, UCONTEXT_PC));
    write_record_trap(&w, A3, 5);
    write_insn(&w, enc_s(OP_STORE, 3, A2, A3, UCONTEXT_PC));
    write_insn(&w, enc_i(OP_JALR, 0, 0, 1, 0));

    const uint64_t arguments[] = {
        IMAGE_BASE + HANDLER, LINUX_SA_SIGINFO | LINUX_SA_ONSTACK, 0, 0, 0, STACK_SIZE,
    };
    memcpy(image->mem + ARGUMENTS, arguments, sizeof(arguments));
}

static void write_exit(struct image *image)
{
    struct writer w = {image->mem, SIDE_EXIT};

    write_li(&w, A1, IMAGE_BASE + IMAGE_DATA);
    write_li(&w, 8, image_data_size(image));
    write_insn(&w, enc_i(OP_IMM, 0, A0, 0, 1)); /* again: */
    write_insn(&w, enc_i(OP_IMM, 0, A2, 8, 0));
    call(&w, SYS_WRITE);
    write_insn(&w, enc_b(4, A0, 0, 16)); /* an error ends it */
    write_insn(&w, enc_r(OP_OP, 0, 0, A1, A1, A0));
    write_insn(&w, enc_r(OP_OP, 0, 0x20, 8, 8, A0));
    write_insn(&w, enc_b(1, 8, 0, -28));
    write_insn(&w, enc_i(OP_IMM, 0, A0, 8, 0));
    call(&w, SYS_EXIT);
}

static Elf64_Phdr segment(uint32_t file_offset, uint32_t image_offset, uint32_t size)
{
    return (Elf64_Phdr){
        .p_type = PT_LOAD,
        .p_flags = PF_R | PF_W | PF_X,
        .p_offset = file_offset,
        .p_vaddr = IMAGE_BASE + image_offset,
        .p_paddr = IMAGE_BASE + image_offset,
        .p_filesz = size,
        .p_memsz = size,
        .p_align = 0x1000,
    };
}

static bool write_elf(const struct image *image, const char *file)
{
    /* Programs may read a little beyond their end. */
    uint32_t code_size = (image->code_end + 0x17ff) & ~0xfffu, data_size = image_data_size(image);
    static uint8_t page[0x1000];
    Elf64_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_RISCV,
        .e_version = EV_CURRENT,
        .e_entry = IMAGE_BASE,
        .e_phoff = sizeof(Elf64_Ehdr),
        .e_flags = 5, /* compressed instructions, doubles in registers */
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 2,
    };
    Elf64_Phdr segments[2] = {
        segment(0x1000, 0, code_size),
        segment(0x1000 + code_size, IMAGE_DATA, data_size + 0x1000), /* the end block too */
    };

    memcpy(page, &header, sizeof(header));
    memcpy(page + sizeof(header), segments, sizeof(segments));
    FILE *f = fopen(file, "wb");
    if (f == NULL)
        return false;
    bool ok = fwrite(page, sizeof(page), 1, f) == 1 && fwrite(image->mem, code_size, 1, f) == 1 &&
              fwrite(image->mem + IMAGE_DATA, data_size + 0x1000, 1, f) == 1;
    ok = fclose(f) == 0 && ok;
    return ok && chmod(file, 0755) == 0;
}

/* Reads until `size` bytes, the end, or the timeout. */
static size_t read_all(int fd, uint8_t *data, size_t size)
{
    size_t n = 0;

    while (n < size) {
        struct pollfd p = {fd, POLLIN, 0};
        if (poll(&p, 1, TIMEOUT_MS) <= 0)
            break;
        ssize_t got = read(fd, data + n, size - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    return n;
}

static pid_t start(const char *file, int *out)
{
    int fds[2];
    const char *cpu = qemu_cpu();

    if (pipe(fds) != 0)
        return -1;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], 1);
        close(fds[0]);
        close(fds[1]);
        execlp(qemu_program(), qemu_program(), "-cpu", cpu, file, (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    *out = fds[0];
    return pid;
}

bool qemu_run(struct image *image, const char *directory, uint8_t *data)
{
    char file[4096];
    int out, status = -1;

    write_entry(image);
    write_exit(image);
    image_finish(image, SIDE_EXIT);
    snprintf(file, sizeof(file), "%s/rv64_diff.%ld.elf", directory, (long)getpid());
    if (!write_elf(image, file)) {
        fprintf(stderr, "%s: cannot be written: %s\n", file, strerror(errno));
        return false;
    }
    pid_t pid = start(file, &out);
    if (pid < 0) {
        fprintf(stderr, "%s: cannot be started: %s\n", qemu_program(), strerror(errno));
        return false;
    }
    size_t size = image_data_size(image), n = read_all(out, data, size);
    close(out);
    if (n < size)
        kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    if (n == size && status == 0) {
        unlink(file);
        return true;
    }
    fprintf(stderr, "%s: %s: status %#x after %zu of %zu bytes\n", qemu_program(), file,
            (unsigned)status, n, size);
    return false;
}
