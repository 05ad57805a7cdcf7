/*
 * Tries of prefixes. Runs in the target, anywhere (see runtime.h). Changes hold the trie's lock; lookups take it only when
 * changes disturb them again and again. Ordering rules: a node is complete before the store that links it, and `changes`
 * is counted between the store that unlinks a node and the first write to it.
 */
#include "runtime.h"

enum { RESTARTS = 100 };

/* A prefix as programs pass it. */
struct prefix {
    uint32_t bits;
    uint8_t bytes[];
};

INLINE struct graft_trie *trie_of(struct graft_map *map) { return (void *)graft_base(map); }

INLINE uint32_t most_bits(struct graft_map *map) { return 8 * (map->key_size - 4); }

/* The node with the number + 1, or 0 for none and for what is no number. */
INLINE struct graft_trie_node *node_at(struct graft_map *map, uint32_t name)
{
    struct graft_trie *trie = trie_of(map);
    return name - 1 < trie->capacity ? (void *)(graft_data(map) + (uint64_t)(name - 1) * trie->node_size) : 0;
}

INLINE uint32_t name_of(struct graft_map *map, struct graft_trie_node *node)
{
    return (uint32_t)(((uint64_t)node - graft_data(map)) / trie_of(map)->node_size) + 1;
}

INLINE uint8_t *bytes_of(struct graft_trie_node *node) { return (uint8_t *)(node + 1); }

INLINE void *value_at(struct graft_map *map, struct graft_trie_node *node)
{
    return (char *)node + trie_of(map)->value_offset;
}

/* The link for the bit of `bytes` behind the node's prefix. */
INLINE uint32_t *child(struct graft_trie_node *node, const uint8_t *bytes, uint32_t bit)
{
    return bytes[bit / 8] >> (7 - bit % 8) & 1 ? &node->right : &node->left;
}

INLINE uint32_t load(const uint32_t *link) { return __atomic_load_n(link, __ATOMIC_ACQUIRE); }

INLINE void set(uint32_t *link, uint32_t name) { __atomic_store_n(link, name, __ATOMIC_RELEASE); }

/* How many bits at the beginning of a node's prefix and of another are the same. */
static uint32_t common_bits(struct graft_trie_node *node, uint32_t node_bits, const struct prefix *other)
{
    uint32_t limit = node_bits < other->bits ? node_bits : other->bits;
    for (uint32_t bits = 0; bits < limit; bits += 8) {
        uint32_t different = (uint32_t)(bytes_of(node)[bits / 8] ^ other->bytes[bits / 8]);
        if (different) {
            bits += (uint32_t)__builtin_clz(different) - 24;
            return bits < limit ? bits : limit;
        }
    }
    return limit;
}

/* The node with the longest prefix of the key, as far as nothing changes meanwhile. */
static struct graft_trie_node *longest(struct graft_map *map, const struct prefix *key)
{
    uint32_t most = most_bits(map);
    struct graft_trie_node *found = 0, *node = node_at(map, load(&trie_of(map)->root));
    for (uint32_t steps = 0; node && steps <= most; steps++) {
        uint32_t bits = node->prefix, common = common_bits(node, bits, key);
        if (common == most)
            return node;
        if (common < bits || bits >= most)
            break;
        if (!(node->flags & GRAFT_TRIE_NO_VALUE))
            found = node;
        node = node_at(map, load(child(node, key->bytes, bits)));
    }
    return found;
}

INLINE uint64_t changes(struct graft_trie *trie) { return __atomic_load_n(&trie->changes, __ATOMIC_ACQUIRE); }

INLINE long lock(struct graft_trie *trie)
{
    return graft_lock(&trie->lock, &trie->lock_busy, &trie->lock_reentered, &trie->stuck);
}

void *graft_trie_lookup(struct graft_map *map, const void *key)
{
    struct graft_trie *trie = trie_of(map);
    struct graft_trie_node *found = 0;
    if (((const struct prefix *)key)->bits > most_bits(map))
        return 0;
    for (int restarts = 0; restarts < RESTARTS; restarts++) {
        uint64_t before = changes(trie);
        found = longest(map, key);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (changes(trie) == before)
            return found ? value_at(map, found) : 0;
    }
    long locked = !lock(trie);
    found = longest(map, key);
    if (locked)
        graft_unlock(&trie->lock);
    return found ? value_at(map, found) : 0;
}

/* A node that nothing links, or 0. */
static struct graft_trie_node *take(struct graft_map *map)
{
    struct graft_trie *trie = trie_of(map);
    struct graft_trie_node *node = node_at(map, trie->free);
    if (node)
        set(&trie->free, node->left);
    else if (trie->fresh < trie->capacity)
        node = node_at(map, ++trie->fresh);
    return node;
}

/* Nodes that are unlinked. Readers may still be there. */
static void give(struct graft_map *map, struct graft_trie_node *node)
{
    struct graft_trie *trie = trie_of(map);
    __atomic_fetch_add(&trie->changes, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&node->left, trie->free, __ATOMIC_RELAXED);
    set(&trie->free, name_of(map, node));
}

static void fill(struct graft_map *map, struct graft_trie_node *node, uint32_t bits, const uint8_t *bytes)
{
    node->left = node->right = node->flags = 0;
    node->prefix = bits;
    graft_copy(bytes_of(node), bytes, map->key_size - 4);
}

/* Whether there is room for one entry more, and whether that is wanted. */
static long may_add(struct graft_trie *trie, uint64_t flags)
{
    if (flags == BPF_EXIST)
        return -ENOENT;
    return trie->entries >= trie->max_entries ? -ENOSPC : 0;
}

/* Links a node with a value in place of another, as its ancestor, beside it, or where there was none. */
static long link(struct graft_map *map, uint32_t *at, struct graft_trie_node *fresh, const struct prefix *key,
    uint64_t flags)
{
    struct graft_trie *trie = trie_of(map);
    struct graft_trie_node *there = node_at(map, *at), *between;
    uint32_t name = name_of(map, fresh), common = there ? common_bits(there, there->prefix, key) : 0;
    int same = there && common == there->prefix, has_value = same && !(there->flags & GRAFT_TRIE_NO_VALUE);
    long result = !has_value ? may_add(trie, flags) : flags == BPF_NOEXIST ? -EEXIST : 0;
    if (result)
        return result;
    if (same) {
        fresh->left = there->left;
        fresh->right = there->right;
        set(at, name);
        give(map, there);
    } else if (!there) {
        set(at, name);
    } else if (common == key->bits) {
        *child(fresh, bytes_of(there), common) = *at;
        set(at, name);
    } else {
        between = take(map);
        if (!between)
            return -ENOMEM;
        fill(map, between, common, bytes_of(there));
        between->flags = GRAFT_TRIE_NO_VALUE;
        *child(between, bytes_of(there), common) = *at;
        *child(between, key->bytes, common) = name;
        set(at, name_of(map, between));
    }
    trie->entries += !has_value;
    return 0;
}

/* Where the walk to a prefix ends: at the first node that is not above it. */
static uint32_t *descend(struct graft_map *map, const struct prefix *key, uint32_t **above)
{
    uint32_t *at = &trie_of(map)->root, most = most_bits(map);
    struct graft_trie_node *node;
    *above = at;
    for (uint32_t steps = 0; (node = node_at(map, *at)) && steps <= most; steps++) {
        uint32_t bits = node->prefix;
        if (bits >= most || bits == key->bits || common_bits(node, bits, key) != bits)
            break;
        *above = at;
        at = child(node, key->bytes, bits);
    }
    return at;
}

long graft_trie_update(struct graft_map *map, const void *key, const void *value, uint64_t flags)
{
    struct graft_trie *trie = trie_of(map);
    const struct prefix *prefix = key;
    if (flags > BPF_EXIST || prefix->bits > most_bits(map))
        return -EINVAL;
    long result = lock(trie);
    if (result)
        return result;
    uint32_t *above;
    uint32_t *at = descend(map, prefix, &above);
    struct graft_trie_node *fresh = take(map);
    result = -ENOMEM;
    if (fresh) {
        fill(map, fresh, prefix->bits, prefix->bytes);
        graft_copy(value_at(map, fresh), value, map->value_size);
        result = link(map, at, fresh, prefix, flags);
        if (result)
            give(map, fresh);
    }
    graft_unlock(&trie->lock);
    return result;
}

/* Takes out a node that is linked at `at`; with it the one above, when that has no value and only this child besides one. */
static void unlink(struct graft_map *map, uint32_t *at, uint32_t *above)
{
    struct graft_trie_node *node = node_at(map, *at), *parent = above == at ? 0 : node_at(map, *above);
    if (node->left && node->right) {
        __atomic_store_n(&node->flags, GRAFT_TRIE_NO_VALUE, __ATOMIC_RELEASE);
    } else if (parent && parent->flags & GRAFT_TRIE_NO_VALUE && !node->left && !node->right) {
        set(above, at == &parent->left ? parent->right : parent->left);
        give(map, parent);
        give(map, node);
    } else {
        set(at, node->left ? node->left : node->right);
        give(map, node);
    }
}

long graft_trie_delete(struct graft_map *map, const void *key)
{
    struct graft_trie *trie = trie_of(map);
    const struct prefix *prefix = key;
    if (prefix->bits > most_bits(map))
        return -EINVAL;
    long result = lock(trie);
    if (result)
        return result;
    uint32_t *above;
    uint32_t *at = descend(map, prefix, &above);
    struct graft_trie_node *node = node_at(map, *at);
    if (node && node->prefix == prefix->bits && common_bits(node, node->prefix, prefix) == prefix->bits
        && !(node->flags & GRAFT_TRIE_NO_VALUE)) {
        trie->entries--;
        unlink(map, at, above);
    } else {
        result = -ENOENT;
    }
    graft_unlock(&trie->lock);
    return result;
}
