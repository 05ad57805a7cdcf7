/* One program for each kind of relocation; their types are those of an older target. */
#define info(arg, kind) __builtin_preserve_field_info(arg, kind)
#define type_info(type, kind) __builtin_preserve_type_info(*(type *)0, kind)
#define type_id(type, kind) __builtin_btf_type_id(*(type *)0, kind)
#define enum_value(type, value, kind) __builtin_preserve_enum_value(*(type *)value, kind)

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
enum colour { GREEN = 0, RED = 1, GONE = 2 };
enum fruit { PEAR = 1 };
enum wide { SMALL = 1, LARGE = 0x100000000ULL };

struct inner {
	u32 a;
	u32 b;
};

struct point {
	u32 moved;
	u32 grown;
	u64 shrunk;
	u32 signed_now;
	s32 signed_grown;
	void *pointer;
	char name[16];
	u32 numbers[8];
	struct inner nested;
	struct inner many[4];
	u32 in_union;
	u16 high;
	u32 bits_a : 5;
	u32 bits_b : 3;
	s32 bits_c : 4;
	enum colour colour;
	u32 other_kind;
	u32 missing;
};

struct point___old {
	u32 tail;
	u32 never;
};

struct flexible {
	u32 count;
	u32 items[];
};

struct absent {
	u32 a;
};

struct shape {
	int a;
	struct inner *inner;
	char name[8];
	enum colour colour;
};

struct shape___less {
	int a;
	struct inner *inner;
};

struct shape___other {
	long a;
};

struct shape___array {
	char name[9];
};

union either {
	u32 a;
};
#pragma clang attribute pop

typedef struct inner inner_t;
typedef struct inner missing_t;
typedef int (*callback_t)(struct point *, int);
typedef int (*callback_t___two)(struct point *, int, int);
typedef u32 number_t;

#define PROGRAM(name, value)            \
	SEC("uprobe")                       \
	u64 name(struct point *point)       \
	{                                   \
		return value;                   \
	}

PROGRAM(load_moved, point->moved)
PROGRAM(load_grown, point->grown)
PROGRAM(load_shrunk, point->shrunk)
PROGRAM(load_signed_now, point->signed_now)
PROGRAM(load_signed_grown, point->signed_grown)
PROGRAM(load_pointer, (u64)point->pointer)
PROGRAM(load_name, point->name[3])
PROGRAM(load_number, point->numbers[5])
PROGRAM(load_nested, point->nested.b)
PROGRAM(load_many, point->many[2].a)
PROGRAM(load_in_union, point->in_union)
PROGRAM(load_high, point->high)
PROGRAM(load_colour, point->colour)
PROGRAM(load_other_kind, point->other_kind)
PROGRAM(load_missing, point->missing)
PROGRAM(load_flavour, ((struct point___old *)point)->tail)
PROGRAM(load_flexible, ((struct flexible *)point)->items[9])
PROGRAM(load_absent, ((struct absent *)point)->a)
PROGRAM(load_next, point[2].moved)

PROGRAM(offset_moved, info(point->moved, 0))
PROGRAM(offset_name, info(point->name, 0))
PROGRAM(offset_many, info(point->many[3].b, 0))
PROGRAM(offset_missing, info(point->missing, 0))
PROGRAM(offset_bits_a, info(point->bits_a, 0))
PROGRAM(offset_bits_c, info(point->bits_c, 0))
PROGRAM(size_grown, info(point->grown, 1))
PROGRAM(size_name, info(point->name, 1))
PROGRAM(size_bits_b, info(point->bits_b, 1))
PROGRAM(size_missing, info(point->missing, 1))
PROGRAM(exists_moved, info(point->moved, 2))
PROGRAM(exists_missing, info(point->missing, 2))
PROGRAM(exists_other_kind, info(point->other_kind, 2))
PROGRAM(exists_flavour, info(((struct point___old *)point)->never, 2))
PROGRAM(exists_absent, info(((struct absent *)point)->a, 2))
PROGRAM(signed_grown, info(point->signed_grown, 3))
PROGRAM(signed_now, info(point->signed_now, 3))
PROGRAM(signed_bits_c, info(point->bits_c, 3))
PROGRAM(signed_colour, info(point->colour, 3))
PROGRAM(lshift_moved, info(point->moved, 4))
PROGRAM(lshift_bits_a, info(point->bits_a, 4))
PROGRAM(lshift_bits_b, info(point->bits_b, 4))
PROGRAM(lshift_bits_c, info(point->bits_c, 4))
PROGRAM(rshift_moved, info(point->moved, 5))
PROGRAM(rshift_bits_b, info(point->bits_b, 5))
PROGRAM(rshift_bits_c, info(point->bits_c, 5))
PROGRAM(rshift_missing, info(point->missing, 5))

PROGRAM(local_point, type_id(struct point, 0))
PROGRAM(target_point, type_id(struct point, 1))
PROGRAM(target_absent, type_id(struct absent, 1))
PROGRAM(type_exists, type_info(struct point, 0))
PROGRAM(type_exists_flavour, type_info(struct point___old, 0))
PROGRAM(type_exists_not, type_info(struct absent, 0))
PROGRAM(type_exists_alias, type_info(inner_t, 0))
PROGRAM(type_exists_no_alias, type_info(missing_t, 0))
PROGRAM(type_exists_function, type_info(callback_t, 0))
PROGRAM(type_exists_other_function, type_info(callback_t___two, 0))
PROGRAM(type_exists_union, type_info(union either, 0))
PROGRAM(type_exists_enum, type_info(enum fruit, 0))
PROGRAM(type_size, type_info(struct point, 1))
PROGRAM(type_size_number, type_info(number_t, 1))
PROGRAM(type_size_absent, type_info(struct absent, 1))
#if __clang_major__ >= 15
PROGRAM(type_matches, type_info(struct shape, 2))
PROGRAM(type_matches_less, type_info(struct shape___less, 2))
PROGRAM(type_matches_other, type_info(struct shape___other, 2))
PROGRAM(type_matches_array, type_info(struct shape___array, 2))
PROGRAM(type_matches_point, type_info(struct point, 2))
PROGRAM(type_matches_fruit, type_info(enum fruit, 2))
PROGRAM(type_matches_colour, type_info(enum colour, 2))
PROGRAM(type_matches_function, type_info(callback_t, 2))
PROGRAM(type_matches_number, type_info(number_t, 2))
#endif

PROGRAM(value_exists, enum_value(enum colour, RED, 0))
PROGRAM(value_exists_not, enum_value(enum colour, GONE, 0))
PROGRAM(value_red, enum_value(enum colour, RED, 1))
PROGRAM(value_pear, enum_value(enum fruit, PEAR, 1))
PROGRAM(value_gone, enum_value(enum colour, GONE, 1))
PROGRAM(value_large, enum_value(enum wide, LARGE, 1))

SEC("uprobe")
u64 store_grown(struct point *point)
{
	point->grown = 7;
	point->shrunk = (u64)point;
	point->moved += 3;
	return 0;
}

SEC("uprobe")
u64 dead_code(struct point *point)
{
	if (info(point->missing, 2))
		return point->missing;
	return point->moved;
}
