/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: segment.c - see segment.h.
 *
 * A memfd and not an anonymous mapping, because it can be handed over a socket: to stoactl. Its size is
 * sealed, so nobody who has it can make another process fault by cutting it short. */
#include "shm/segment.h"

#include "base/random.h"
#include "shm/mail.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Programs that count or carve otherwise must not read each other's segment. */
static uint32_t version(void)
{
    return (uint32_t)(sizeof(struct segment) * 31 + COUNTS * 7 + LETTER_KINDS * 3 + sizeof(struct link) +
                      HISTORY_VALUES);
}

static struct segment *map(int fd, int protection)
{
    void *at = mmap(NULL, sizeof(struct segment), protection, MAP_SHARED, fd, 0);

    return at == MAP_FAILED ? NULL : at;
}

struct segment *segment_create(int *fd_r)
{
    int fd = memfd_create("stoa-segment", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct segment *segment = NULL;
    int why;

    if (fd < 0)
        return NULL;
    if (ftruncate(fd, sizeof(struct segment)) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        segment = map(fd, PROT_READ | PROT_WRITE);
    if (segment == NULL) {
        why = errno;
        close(fd);
        errno = why;
        return NULL;
    }
    random_bytes(&segment->buckets.seed, sizeof(segment->buckets.seed));
    random_bytes(&segment->addresses.seed, sizeof(segment->addresses.seed));
    random_bytes(&segment->complaints.seed, sizeof(segment->complaints.seed));
    random_bytes(segment->auth.key, sizeof(segment->auth.key));
    random_bytes(segment->web_sessions.key, sizeof(segment->web_sessions.key));
    random_bytes(&segment->routes.seed, sizeof(segment->routes.seed));
    random_bytes(segment->once.key, sizeof(segment->once.key));
    segment->version = version();
    segment->magic = SEGMENT_MAGIC;
    *fd_r = fd;
    return segment;
}

const struct segment *segment_view(int fd)
{
    const struct segment *segment;
    struct stat status;

    if (fstat(fd, &status) < 0)
        return NULL;
    if (status.st_size != (off_t)sizeof(struct segment)) {
        errno = EPROTO;
        return NULL;
    }
    segment = map(fd, PROT_READ);
    if (segment && (segment->magic != SEGMENT_MAGIC || segment->version != version())) {
        munmap((void *)(uintptr_t)segment, sizeof(struct segment));
        errno = EPROTO;
        return NULL;
    }
    return segment;
}
