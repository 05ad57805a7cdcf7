/*
 * Prints what libbpf makes of an object's instructions with the types of another file:
 * core-oracle OBJECT TYPES   ->   PROGRAM HEX for each program, one a load.
 * A program that libbpf refuses to relocate is printed as "PROGRAM -".
 */
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static int quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
	const char *loud = getenv("CORE_ORACLE_LOUD");

	return loud ? vfprintf(stderr, format, arguments) : 0;
}

/* Relocates one program of the object; loading it may fail afterwards. */
static int print(const char *object, const char *types, int wanted)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = types);
	struct bpf_object *opened = bpf_object__open_file(object, &options);
	struct bpf_program *program, *chosen = NULL;
	size_t count;
	int index = 0;

	if (libbpf_get_error(opened))
		return -1;
	bpf_object__for_each_program(program, opened)
	{
		bpf_program__set_autoload(program, index == wanted);
		if (index++ == wanted)
			chosen = program;
	}
	if (!chosen)
		return 0;
	bpf_program__set_type(chosen, BPF_PROG_TYPE_KPROBE);
	printf("%s ", bpf_program__name(chosen));
	bpf_object__load(opened);
	count = bpf_program__insn_cnt(chosen);
	const unsigned char *bytes = (const unsigned char *)bpf_program__insns(chosen);
	for (size_t i = 0; bytes && i < count * 8; i++)
		printf("%02x", bytes[i]);
	printf("%s\n", bytes && count ? "" : "-");
	bpf_object__close(opened);
	return 1;
}

int main(int count, char **arguments)
{
	int index = 0, more = 1;

	libbpf_set_print(quiet);
	if (count != 3)
		return 2;
	while (more > 0)
		more = print(arguments[1], arguments[2], index++);
	return more;
}
