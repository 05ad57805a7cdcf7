/* Opens a file, asks for one that is not there, and calls a function, again and again. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

__attribute__((noinline, noclone)) long work(long n)
{
	__asm__ volatile("" : "+r"(n));
	return n + 1;
}

int main(void)
{
	struct stat found;

	for (long n = 0;; n = work(n)) {
		close(open("/etc/hostname", O_RDONLY));
		stat("/nowhere", &found);
		getppid();
		usleep(1000);
	}
}
