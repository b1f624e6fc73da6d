/* outb PORT VALUE: write a byte to an I/O port; for guests whose kernel has no /dev/port. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: outb PORT VALUE\n");
        return 2;
    }
    unsigned short port = (unsigned short)strtoul(argv[1], NULL, 0);
    if (ioperm(port, 1, 1) != 0) {
        perror("outb: ioperm");
        return 1;
    }
    outb((unsigned char)strtoul(argv[2], NULL, 0), port);
    return 0;
}
