// Loads the libraries that its arguments name and calls their functions, as it is told. Answers with a sum, or 0.
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, ROUNDS = 5 };

static const char *files[2];
static void *first;
static long (*work)(long);
static unsigned char *page; // mapped where the first one was

static long call(long (*function)(long))
{
	long sum = 0;

	for (int i = 0; function && i < 3; i++)
		sum += function(i);
	return sum;
}

static void *hammer(void *file)
{
	long sum = 0;

	for (int i = 0; i < ROUNDS; i++) {
		void *library = dlopen(file, RTLD_NOW);
		sum += call((long (*)(long))dlsym(library, "plugin_work"));
		dlclose(library);
	}
	return (void *)sum;
}

static long both(void)
{
	pthread_t threads[2];
	long sum = 0;

	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], 0, hammer, (void *)files[i]);
	for (int i = 0; i < 2; i++) {
		void *one;
		pthread_join(threads[i], &one);
		sum += (long)one;
	}
	return sum;
}

/* Other memory at the place of the library that was unloaded, with bytes that must stay. */
static long map(void)
{
	void *place = (void *)((unsigned long)work & -(unsigned long)PAGE);

	page = mmap(place, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (page != place)
		return -1;
	memset(page, 0x5a, PAGE);
	return 0;
}

static long changed(void)
{
	long sum = 0;

	for (int i = 0; i < PAGE; i++)
		sum += page[i] != 0x5a;
	munmap(page, PAGE);
	return sum;
}

int main(int count, char **arguments)
{
	char line[16];

	files[0] = arguments[1];
	files[1] = arguments[count - 1];
	while (fgets(line, sizeof(line), stdin)) {
		long sum = 0;

		if (!strcmp(line, "load\n")) {
			first = dlopen(files[0], RTLD_NOW);
			work = (long (*)(long))dlsym(first, "plugin_work");
			sum = call(work);
		} else if (!strcmp(line, "call\n")) {
			sum = call(work);
		} else if (!strcmp(line, "unload\n")) {
			sum = dlclose(first);
		} else if (!strcmp(line, "both\n")) {
			sum = both();
		} else if (!strcmp(line, "map\n")) {
			sum = map();
		} else if (!strcmp(line, "changed\n")) {
			sum = changed();
		}
		printf("%ld\n", sum);
		fflush(stdout);
	}
	return 0;
}
