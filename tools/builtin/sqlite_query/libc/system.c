/* An operating system without files, time or chance: databases are in memory, `now` is NULL, `random()` is the same each
   time. SQLite calls sqlite3_os_init when it begins. */
#include "sqlite3.h"
#include <string.h>

static int no_file(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *given) {
  (void)vfs, (void)name, (void)flags, (void)given;
  file->pMethods = NULL;
  return SQLITE_CANTOPEN;
}

static int nothing_to_delete(sqlite3_vfs *vfs, const char *name, int sync) {
  (void)vfs, (void)name, (void)sync;
  return SQLITE_IOERR_DELETE_NOENT;
}

static int not_there(sqlite3_vfs *vfs, const char *name, int flags, int *there) {
  (void)vfs, (void)name, (void)flags;
  *there = 0;
  return SQLITE_OK;
}

static int same_name(sqlite3_vfs *vfs, const char *name, int size, char *whole) {
  size_t length = strlen(name);
  (void)vfs;
  if (size <= 0 || length >= (size_t)size) return SQLITE_CANTOPEN;
  memcpy(whole, name, length + 1);
  return SQLITE_OK;
}

static int sequence(sqlite3_vfs *vfs, int size, char *bytes) {
  static unsigned state = 0x9e3779b9;
  int at;
  (void)vfs;
  for (at = 0; at < size; at++) {
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    bytes[at] = (char)state;
  }
  return size;
}

static int no_sleep(sqlite3_vfs *vfs, int microseconds) {
  (void)vfs, (void)microseconds;
  return 0;
}

static int no_time(sqlite3_vfs *vfs, double *day) {
  (void)vfs;
  *day = 0;
  return SQLITE_ERROR;
}

static int no_error(sqlite3_vfs *vfs, int size, char *text) {
  (void)vfs, (void)size, (void)text;
  return 0;
}

int sqlite3_os_init(void) {
  static sqlite3_vfs nowhere = {
      .iVersion = 1,
      .szOsFile = sizeof(sqlite3_file),
      .mxPathname = 512,
      .zName = "nowhere",
      .xOpen = no_file,
      .xDelete = nothing_to_delete,
      .xAccess = not_there,
      .xFullPathname = same_name,
      .xRandomness = sequence,
      .xSleep = no_sleep,
      .xCurrentTime = no_time,
      .xGetLastError = no_error,
  };
  return sqlite3_vfs_register(&nowhere, 1);
}

int sqlite3_os_end(void) { return SQLITE_OK; }
