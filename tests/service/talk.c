/* talk PATH [TEXT]: a console's client: sends the text, prints what comes until there is none for
 * two seconds. For machines that have no better one. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct pollfd one = {.fd = socket(AF_UNIX, SOCK_STREAM, 0), .events = POLLIN};
    char bytes[4096];
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", argc > 1 ? argv[1] : "");
    if (connect(one.fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        perror("talk");
        return 1;
    }
    if (argc > 2 && write(one.fd, argv[2], strlen(argv[2])) < 0)
        return 1;
    while (poll(&one, 1, 2000) == 1) {
        ssize_t n = read(one.fd, bytes, sizeof(bytes));
        if (n <= 0)
            break;
        (void)!write(STDOUT_FILENO, bytes, (size_t)n);
    }
    return 0;
}
