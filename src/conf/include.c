/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: include.c - see include.h. */
#include "conf/include.h"

#include "conf/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <unistd.h>

#define FILE_BYTES_MOST (4 * 1024 * 1024)
#define FILES_MOST      1000 /* a ladder of includes could otherwise read for ever within the depth */

static bool read_all(int fd, struct buf *text)
{
    for (;;) {
        ssize_t got = read(fd, buf_reserve(text, 65536), 65536);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            return true;
        text->size += (size_t)got;
        if (text->size > FILE_BYTES_MOST) {
            errno = EFBIG;
            return false;
        }
    }
}

/* The whole file in the conf's arena, and which file it is. false: errno says why. */
static bool read_file(struct conf *conf, const char *file, struct stat *who_r, struct span *text_r)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    struct buf text = { 0 };
    bool good;
    int why;

    if (fd < 0)
        return false;
    good = fstat(fd, who_r) == 0 && read_all(fd, &text);
    why = errno;
    close(fd);
    if (good)
        *text_r = arena_copy(conf->arena, buf_span(&text));
    buf_free(&text);
    errno = why;
    return good;
}

static bool parse_one(struct conf *conf, const struct include_chain *includer, struct tree_node *into,
                      const char *file, const struct place *at)
{
    struct include_chain chain = { .includer = includer, .file = file };
    struct stat who;
    struct span text;

    if (!read_file(conf, file, &who, &text)) {
        conf_say(conf, CONF_ERROR, at, "%s cannot be read: %s", file, strerror(errno));
        return false;
    }
    chain.device = who.st_dev;
    chain.inode = who.st_ino;
    chain.depth = includer ? includer->depth + 1 : 0;
    for (const struct include_chain *up = includer; up; up = up->includer)
        if (up->device == who.st_dev && up->inode == who.st_ino) {
            conf_say(conf, CONF_ERROR, at, "%s would include itself", file);
            return false;
        }
    if (chain.depth > INCLUDE_DEPTH_MOST || conf->file_count >= FILES_MOST) {
        conf_say(conf, CONF_ERROR, at,
                 "too many files include each other here: at most %d deep and %d in all", INCLUDE_DEPTH_MOST,
                 FILES_MOST);
        return false;
    }
    conf_file(conf, file);
    return tree_parse(conf, into, &chain, file, text);
}

bool include_main(struct conf *conf, struct tree_node *root, const char *file)
{
    struct place at = { .file = file };

    return parse_one(conf, NULL, root, arena_text(conf->arena, span_of(file)), &at);
}

static const char *beside(struct conf *conf, const char *file, const char *path)
{
    const char *slash = strrchr(file, '/');

    if (path[0] == '/' || slash == NULL)
        return path;
    return arena_printf(conf->arena, "%.*s/%s", (int)(slash - file), file, path);
}

bool include_files(struct conf *conf, const struct include_chain *chain, struct tree_node *into,
                   const char *pattern, const struct place *at)
{
    const char *path = beside(conf, chain->file, pattern);
    bool good = true;
    glob_t found;
    int verdict;

    if (strpbrk(pattern, "*?[") == NULL)
        return parse_one(conf, chain, into, path, at);
    verdict = glob(path, GLOB_ERR, NULL, &found);
    if (verdict == GLOB_NOMATCH) {
        globfree(&found);
        return true;
    }
    if (verdict != 0) {
        conf_say(conf, CONF_ERROR, at, "%s cannot be searched: %s", path, strerror(errno));
        return false;
    }
    for (size_t i = 0; good && i < found.gl_pathc; i++)
        good = parse_one(conf, chain, into, arena_text(conf->arena, span_of(found.gl_pathv[i])), at);
    globfree(&found);
    return good;
}
