/* Prints the values of named constants; make-syscalls adds the names. */
#include <stdio.h>
#include <string.h>

#define NAME(macro) printf(#macro " %lld\n", (long long)macro);
#define ERROR(macro) printf(#macro " %lld %s\n", (long long)macro, strerror(macro));

int main(void)
{
