/* The types that the target has: other offsets, widths, signs and values than those in core-program.c. */
enum colour { RED = 5, GREEN = 7 };
enum fruit { APPLE = 1, PEAR = 70000 };
enum wide { SMALL = 3, LARGE = 0x1234567890ULL };

struct inner {
	u64 before;
	u32 a;
	u32 b;
};

struct point {
	u64 added;
	u64 moved;
	u64 grown;
	u32 shrunk;
	u32 signed_now;
	s64 signed_grown;
	void *pointer;
	char name[32];
	u32 numbers[8];
	struct inner nested;
	struct inner many[4];
	union {
		u32 in_union;
		struct {
			u16 low;
			u16 high;
		};
	};
	u32 bits_a : 3;
	u32 bits_b : 7;
	s32 bits_c : 12;
	enum colour colour;
	struct inner *other_kind;
	struct flexible *flexible;
	u64 tail;
};

struct flexible {
	u64 count;
	u32 more;
	u32 items[];
};

struct shape {
	int a;
	struct inner *inner;
	char name[8];
	enum colour colour;
};

typedef struct inner inner_t;
typedef int (*callback_t)(struct point *, int);
typedef u64 number_t;
union either {
	u32 a;
	u64 b;
};

struct point point;
struct shape shape;
struct flexible flexible;
inner_t inner_alias;
callback_t callback;
number_t number;
union either either;
enum colour colour;
enum fruit fruit;
enum wide wide;

SEC("uprobe")
int keep(void *ctx)
{
	return colour + fruit + number + !callback + either.a + (int)wide + inner_alias.a + shape.a + point.shrunk +
	       flexible.more;
}
