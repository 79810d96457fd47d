/* files.h: files that nobody else may write, and writing them whole.
 *
 * Place in the pipeline: under disk.c and llvm/profile.c, which keep files where others have theirs.
 * Non-goals: where files are, what is in them.
 */
#ifndef CJ_EXEC_FILES_H
#define CJ_EXEC_FILES_H

#include "base/base.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* A plain file of the user who runs, which nobody else may write to. */
static inline bool cj__file_is_ours(const struct stat *st)
{
    return S_ISREG(st->st_mode) && st->st_uid == geteuid() && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

/* All of it, or false. */
static inline bool cj__write_all(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size) {
        ssize_t n = write(fd, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

#endif
