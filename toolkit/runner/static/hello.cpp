// The least that a device has to be able to run: linked statically, it needs no loader, no library.
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>

int main() {
  utsname system{};
  if (uname(&system) != 0) return 1;
  return std::printf("attnbench %zu %s %ld\n", 8 * sizeof(void*), system.machine, sysconf(_SC_PAGESIZE)) < 0;
}
