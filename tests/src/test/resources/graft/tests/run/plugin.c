// A library that is loaded late, and calls its own function while it is.
__attribute__((noinline)) long plugin_work(long a)
{
	volatile long x = a;
	return x + 1;
}

__attribute__((constructor)) static void begin(void)
{
	plugin_work(7);
}
