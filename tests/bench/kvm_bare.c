/*
 * kvm_bare GUEST.elf: a bare-metal x86_64 guest on the least that KVM needs - one vCPU, 64 MiB, a
 * loop around KVM_RUN that answers 0 to everything. What this costs for each exit is the kernel's
 * and the processor's part; `make bench` sets our program beside it.
 *
 * The guest's console (port 0x3f8) goes to stdout; a write to port 0xf4 ends it with that status.
 * At the end "exits: PORT MMIO" and "start: NS", from main to the first KVM_RUN, go to stderr. It
 * knows nothing of the program's own sources, so as not to share their mistakes.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { RAM_BYTES = 64 << 20, TABLES = 0x1000, GDT = 0x9000, CONSOLE = 0x3f8, END = 0xf4 };

static uint8_t *ram;
static uint64_t n_port, n_mmio;

static void die(const char *what)
{
    fprintf(stderr, "kvm_bare: %s: %s\n", what, errno != 0 ? strerror(errno) : "not usable");
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Only well-formed files: they are our own guests. */
static uint64_t load_guest(const char *path)
{
    Elf64_Ehdr header;
    FILE *file = fopen(path, "rb");
    if (file == NULL || fread(&header, sizeof(header), 1, file) != 1)
        die(path);
    for (unsigned i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr p;
        if (fseek(file, (long)(header.e_phoff + i * sizeof(p)), SEEK_SET) != 0 ||
            fread(&p, sizeof(p), 1, file) != 1)
            die(path);
        if (p.p_type != PT_LOAD || p.p_filesz == 0)
            continue;
        if (p.p_paddr >= RAM_BYTES || p.p_filesz > RAM_BYTES - p.p_paddr ||
            fseek(file, (long)p.p_offset, SEEK_SET) != 0 ||
            fread(ram + p.p_paddr, p.p_filesz, 1, file) != 1)
            die(path);
    }
    fclose(file);
    return header.e_entry;
}

static void put64(uint64_t gpa, uint64_t value)
{
    memcpy(ram + gpa, &value, sizeof(value));
}

/* 4 GiB mapped to itself in pages of 2 MiB. */
static void write_tables(void)
{
    put64(TABLES, (TABLES + 0x1000) | 3);
    for (uint64_t i = 0; i < 4; i++)
        put64(TABLES + 0x1000 + 8 * i, (TABLES + 0x2000 + i * 0x1000) | 3);
    for (uint64_t i = 0; i < 4 * 512; i++)
        put64(TABLES + 0x2000 + 8 * i, i << 21 | 0x83);
    put64(GDT + 0x10, 0x00af9b000000ffff);
    put64(GDT + 0x18, 0x00cf93000000ffff);
}

static struct kvm_segment segment(uint16_t selector, uint8_t type, bool is_code)
{
    return (struct kvm_segment){.limit = UINT32_MAX,
                                .selector = selector,
                                .type = type,
                                .present = 1,
                                .db = !is_code,
                                .s = 1,
                                .l = is_code,
                                .g = 1};
}

static void set_up_vcpu(int kvm, int vcpu, uint64_t entry)
{
    static union {
        struct kvm_cpuid2 cpuid;
        uint8_t room[sizeof(struct kvm_cpuid2) + 256 * sizeof(struct kvm_cpuid_entry2)];
    } known;
    struct kvm_sregs s;
    struct kvm_regs r = {.rip = entry, .rflags = 2};
    known.cpuid.nent = 256;
    if (ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &known) != 0 ||
        ioctl(vcpu, KVM_SET_CPUID2, &known) != 0 || ioctl(vcpu, KVM_GET_SREGS, &s) != 0)
        die("KVM_SET_CPUID2");
    s.cs = segment(0x10, 11, true);
    s.ds = s.es = s.ss = s.fs = s.gs = segment(0x18, 3, false);
    s.gdt.base = GDT;
    s.gdt.limit = 0x1f;
    s.cr0 = 0x80000011;
    s.cr3 = TABLES;
    s.cr4 = 0x20;
    s.efer = 0x500;
    if (ioctl(vcpu, KVM_SET_SREGS, &s) != 0 || ioctl(vcpu, KVM_SET_REGS, &r) != 0)
        die("KVM_SET_SREGS");
}

/* -1: the guest goes on. */
static int serve_port(struct kvm_run *run)
{
    uint8_t *data = (uint8_t *)run + run->io.data_offset;
    n_port += run->io.count;
    if (run->io.direction == KVM_EXIT_IO_IN) {
        /* The line status of a serial port that is always free. */
        memset(data, run->io.port == CONSOLE + 5 ? 0x60 : 0, (size_t)run->io.size * run->io.count);
        return -1;
    }
    if (run->io.port == CONSOLE)
        putchar(data[0]);
    return run->io.port == END ? data[0] : -1;
}

static int run_guest(int vcpu, struct kvm_run *run)
{
    for (;;) {
        int status = -1;
        if (ioctl(vcpu, KVM_RUN, 0) != 0 && errno != EINTR)
            die("KVM_RUN");
        switch (run->exit_reason) {
        case KVM_EXIT_IO:
            status = serve_port(run);
            break;
        case KVM_EXIT_MMIO:
            n_mmio++;
            if (!run->mmio.is_write)
                memset(run->mmio.data, 0, sizeof(run->mmio.data));
            break;
        default:
            fprintf(stderr, "kvm_bare: exit %u\n", run->exit_reason);
            return 1;
        }
        if (status >= 0)
            return status;
    }
}

int main(int argc, char **argv)
{
    uint64_t begin = now_ns();
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (argc != 2 || kvm < 0)
        die(argc != 2 ? "usage: kvm_bare GUEST.elf" : "/dev/kvm");
    int vm = ioctl(kvm, KVM_CREATE_VM, 0);
    ram = mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
               -1, 0);
    if (vm < 0 || ram == MAP_FAILED)
        die("KVM_CREATE_VM");
    struct kvm_userspace_memory_region slot = {.memory_size = RAM_BYTES,
                                               .userspace_addr = (uintptr_t)ram};
    if (ioctl(vm, KVM_SET_TSS_ADDR, 0xfeffd000) != 0 || ioctl(vm, KVM_CREATE_IRQCHIP, 0) != 0 ||
        ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot) != 0)
        die("KVM_SET_USER_MEMORY_REGION");
    int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
    int bytes = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (vcpu < 0 || bytes <= 0)
        die("KVM_CREATE_VCPU");
    struct kvm_run *run = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
    if (run == MAP_FAILED)
        die("a vCPU's shared pages");
    uint64_t entry = load_guest(argv[1]);
    write_tables();
    set_up_vcpu(kvm, vcpu, entry);
    fprintf(stderr, "start: %llu\n", (unsigned long long)(now_ns() - begin));
    int status = run_guest(vcpu, run);
    fprintf(stderr, "exits: %llu %llu\n", (unsigned long long)n_port, (unsigned long long)n_mmio);
    return status;
}
