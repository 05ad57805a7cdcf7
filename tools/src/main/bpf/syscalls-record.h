/*
 * How a record of one size is filled: included once for each size, with SPAN, the bytes that a chunk may have, and
 * SIZED(name), the function of that size. The verifier wants the size to be a constant in each of them.
 */

/*
 * One chunk, whose head is in the job. A record has room for 2 * SPAN + MARGIN bytes, a chunk for SPAN: one that begins
 * in the first half fits, whatever its length.
 */
static __always_inline void SIZED(put)(__u8 *data, struct job *job, __u64 from)
{
	struct chunk head = job->head;
	__u32 at = job->at;
	__u64 wanted = head.length < job->limit ? head.length : job->limit;
	__u32 bytes;
	long got = 0;

	if (at > SPAN + MARGIN - sizeof(head)) {
		job->full = 1;
		return;
	}
	if (wanted > SPAN) {
		job->full = !job->is_text;
		wanted = SPAN;
	}
	bytes = wanted;
	__u8 *to = data + at;
	if (job->is_text) {
		got = bpf_probe_read_user_str(to + sizeof(head), bytes, (void *)from);
		head.length = got == bytes ? ~0ull : (__u64)got;
		if (got == bytes && bytes < job->limit)
			job->full = 1;
	} else {
		got = bpf_probe_read_user(to + sizeof(head), bytes, (void *)from);
		if (got == 0)
			got = bytes;
	}
	head.flags = 0;
	if (got < 0) {
		head.flags = CHUNK_UNREADABLE;
		got = 0;
		job->unreadable |= job->part;
	}
	head.bytes = got;
	*(struct chunk *)to = head;
	job->at = at + sizeof(head) + ((head.bytes + 7) & 0x3ff8);
	job->chunks++;
}

static long SIZED(put_text)(__u64 index, struct context *context)
{
	struct job *job = &context->thread->job;
	__u64 text = 0;

	if (job->full)
		return 1;
	if (bpf_probe_read_user(&text, sizeof(text), (void *)(job->texts.list + index * sizeof(text)))) {
		job->unreadable |= job->texts.part;
		return 1;
	}
	if (!text)
		return 1;
	job->head.index = index + 1;
	job->head.length = index < MOST_TEXTS ? job->limit : 0; /* an empty one behind the last says that there are more */
	SIZED(put)(context->data, job, text);
	return 0;
}

/* The list of pieces, then the pieces. */
static long SIZED(put_piece)(__u64 index, struct context *context)
{
	struct job *job = &context->thread->job;
	struct iovec piece = {};
	__u64 list = job->pieces.list;

	if (index > job->pieces.count || job->full)
		return 1;
	if (index == 0) {
		piece.base = list;
		piece.length = job->pieces.count * sizeof(piece);
		job->limit = MOST_PIECES * sizeof(piece);
	} else {
		if (bpf_probe_read_user(&piece, sizeof(piece), (void *)(list + (index - 1) * sizeof(piece))))
			return 1;
		if (piece.length > job->left)
			piece.length = job->left;
		job->left -= piece.length;
		job->limit = job->pieces.limit;
	}
	job->head.index = index;
	job->head.length = piece.length;
	SIZED(put)(context->data, job, piece.base);
	return 0;
}

/* The memory of one argument; texts and pieces are left to the loops above. */
static long SIZED(put_part)(__u64 index, struct context *context)
{
	struct job *job = &context->thread->job;
	const struct thread *call = context->thread;

	if (index >= SYSCALL_PARTS || job->full)
		return 1;
	job->part = 1 << index;
	if (!(job->wanted & job->part))
		return 0;
	const struct part *part = &context->spec->part[index];
	__u32 argument = part->argument;
	__u32 length = part->length;
	if (argument > 5 || length > 5)
		return 0;
	__u64 from = call->arguments[argument];
	__u64 other = call->arguments[length];
	__u64 size = part->size;
	__u64 done = job->result > 0 ? job->result : 0;
	if (!from || (part->edge == PART_OUT && job->result < 0))
		return 0;
	struct list list = {from, other, argument, part->limit, job->part, 0};
	job->head.index = 0;
	if (part->shape == PART_TEXTS) {
		job->texts = list;
		return 0;
	}
	if (part->shape == PART_COUNT_TEXTS) {
		list.count = 0;
		job->counted = list;
		return 0;
	}
	if (part->shape == PART_PIECES || part->shape == PART_MESSAGE) {
		job->left = part->edge == PART_OUT ? done : ~0ull;
		job->pieces = list;
		if (part->shape == PART_PIECES)
			return 0;
		struct message message = {};
		bpf_probe_read_user(&message, sizeof(message), (void *)from);
		job->pieces.list = message.pieces;
		job->pieces.count = message.count;
		job->name.list = message.name;
		job->name.count = (__u32)message.name_length;
		job->name.argument = argument;
		size = sizeof(message);
		job->head.index = CHUNK_MESSAGE;
	}
	if (part->shape == PART_COUNTED)
		size *= other;
	if (part->shape == PART_RESULT)
		size *= done;
	if (part->shape == PART_POINTED) {
		__u32 pointed = 0;
		if (bpf_probe_read_user(&pointed, sizeof(pointed), (void *)other))
			return 0;
		size *= pointed;
	}
	job->is_text = part->shape == PART_TEXT;
	job->head.argument = argument;
	job->head.length = job->is_text ? part->limit : size;
	job->limit = part->limit;
	SIZED(put)(context->data, job, from);
	return 0;
}

/* A message's address, and the number of texts. */
static long SIZED(put_rest)(__u64 index, struct context *context)
{
	struct job *job = &context->thread->job;
	const struct list *list = index ? &job->counted : &job->name;

	if (!list->list || job->full)
		return 0;
	job->head.argument = list->argument;
	job->head.index = index ? CHUNK_COUNT : CHUNK_NAME;
	job->head.length = list->count;
	job->limit = index ? 0 : 128;
	SIZED(put)(context->data, job, list->list);
	return 0;
}

static __noinline int SIZED(send)(const struct call *spec, struct thread *thread)
{
	struct {
		struct event head;
		__u8 data[2 * SPAN + MARGIN];
	} *record;

	if (!spec || !thread)
		return NO_ROOM;
	record = bpf_ringbuf_reserve(&events, sizeof(*record), 0);
	if (!record)
		return NO_ROOM;
	struct context context = {record->data, spec, thread};
	struct job *job = &thread->job;
	reset(job);
	bpf_loop(SYSCALL_PARTS, SIZED(put_part), &context, 0);
	job->part = 0;
	if (job->texts.list) {
		job->head.argument = job->texts.argument;
		job->limit = job->texts.limit;
		job->is_text = 1;
		bpf_loop(MOST_TEXTS + 1, SIZED(put_text), &context, 0);
	}
	job->is_text = 0;
	if (job->counted.list)
		bpf_loop(MOST_COUNTED, count_text, &context, 0);
	if (job->pieces.list) {
		job->head.argument = job->pieces.argument;
		bpf_loop(MOST_PIECES + 1, SIZED(put_piece), &context, 0);
	}
	if (job->counted.list || job->name.list)
		bpf_loop(2, SIZED(put_rest), &context, 0);
	if (job->full && SPAN < LARGEST) {
		bpf_ringbuf_discard(record, 0);
		return TOO_SMALL;
	}
	begin(&record->head, thread);
	record->head.chunks = job->chunks;
	record->head.bytes = job->at;
	if (job->type == EVENT_ENTER)
		thread->again = job->unreadable;
	bpf_ringbuf_submit(record, 0);
	return SENT;
}
