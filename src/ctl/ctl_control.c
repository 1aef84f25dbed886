/* SPDX-License-Identifier: ISC */
/* floor 9 sees 0 2 3 4: ctl_control.c - asking master, and waiting until it has done it. */
#include "ctl/ctl.h"

#include "base/buf.h"
#include "os/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int connect_to_master(const char *path)
{
    struct sock_address address;
    int fd;

    if (!sock_address_unix(&address, path)) {
        fprintf(stderr, "stoactl: the path processes/control-socket is too long for a socket: %s\n", path);
        return -1;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address.bytes, address.size) < 0) {
        int error = errno;

        if (error == EACCES || error == EPERM)
            fprintf(stderr, "stoactl: %s: only root and the daemon's own user may use it\n", path);
        else
            fprintf(stderr, "stoactl: no daemon answers at %s: %s\n", path, strerror(error));
        close(fd);
        return -1;
    }
    return fd;
}

/* Up to the end of the connection or of the buffer; takes a descriptor that comes along. */
static ssize_t receive(int fd, char *into, size_t size, int *fd_r)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec piece = { into, size };
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
    };
    ssize_t got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);

    for (struct cmsghdr *at = got >= 0 ? CMSG_FIRSTHDR(&message) : NULL; at; at = CMSG_NXTHDR(&message, at)) {
        int passed;

        if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS)
            continue;
        memcpy(&passed, CMSG_DATA(at), sizeof(passed));
        if (fd_r && *fd_r < 0)
            *fd_r = passed;
        else
            close(passed);
    }
    return got;
}

int ctl_ask(const char *path, const char *word, char *answer_r, size_t answer_size, int *fd_r)
{
    int fd = connect_to_master(path);
    size_t size = 0;

    if (fd_r)
        *fd_r = -1;
    answer_r[0] = '\0';
    if (fd < 0)
        return -1;
    dprintf(fd, "%s\n", word);
    while (size + 1 < answer_size) {
        ssize_t got = receive(fd, answer_r + size, answer_size - 1 - size, fd_r);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        size += (size_t)got;
        answer_r[size] = '\0';
        if (strchr(answer_r, '\n'))
            break;
    }
    return fd;
}

/* Prints all lines of the answer that are not "ok"; 0 when the first was "ok". */
static int print_answer(int fd, char *answer, size_t room, FILE *good)
{
    int status = strncmp(answer, "ok", 2) == 0 && (answer[2] == '\n' || answer[2] == '\0') ? 0 : 1;
    const char *at = status == 0 ? answer + 2 + (answer[2] == '\n') : answer;

    FILE *out = status == 0 ? good : stderr;

    fputs(at, out);
    for (;;) {
        ssize_t got = read(fd, answer, room - 1);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        answer[got] = '\0';
        fputs(answer, out);
    }
    return status;
}

int ctl_command(const char *path, const char *word)
{
    char answer[4096];
    int fd = ctl_ask(path, word, answer, sizeof(answer), NULL);
    int status;

    if (fd < 0)
        return CTL_NOT_RUNNING;
    if (answer[0] == '\0') {
        fprintf(stderr, "stoactl: the daemon ended without an answer\n");
        close(fd);
        return 1;
    }
    /* Until master closes: for stop, when it has ended. */
    status = print_answer(fd, answer, sizeof(answer), strcmp(word, "changes") == 0 ? stdout : stderr);
    close(fd);
    return status;
}

int ctl_change(const char *path, int argc, char **argv)
{
    struct buf line = { 0 };
    size_t size = 0;
    int status;

    for (int i = 0; i < argc; i++) {
        if (strchr(argv[i], '\n')) {
            fprintf(stderr, "stoactl: a change is one line: path/in/config=value\n");
            return 2;
        }
        size += strlen(argv[i]) + 1;
    }
    buf_printf(&line, "change %zu\n", size);
    for (int i = 0; i < argc; i++)
        buf_printf(&line, "%s%s", argv[i], i + 1 < argc ? "\n" : ""); /* ctl_ask ends the last */
    buf_char(&line, '\0');
    status = ctl_command(path, line.at);
    buf_free(&line);
    return status;
}
