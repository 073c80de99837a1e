// Package cache is a filter that keeps answers: a call that asks for what another call has
// asked for gets the same answer, and no server hears of it. While one call is on its way,
// others that ask for the same wait for its answer.
//
// Which methods may be answered so is for the user to say (rules), since no protocol tells
// which of them are idempotent and how long an answer is good.
//
// # What is the same
//
// Two calls ask for the same if all of this is equal: protocol, service, method, what the
// codec says that the answer depends on (sdk.Keyer: the version and the group of a
// service, the arguments byte for byte, serialization, transport), the names of route and
// cluster, the caller, and the entries that the rule names. Nothing else counts: ids,
// deadlines and traces differ from call to call. All this is hashed with SHA-256, and the
// hash is the key: 256 bits, so that nobody can find two calls with one key.
//
// Entries count twice, as headers have them and as the message has them. What the
// application gets is made of both: the message's entries, in its spelling and exposed as
// headers or not, with what headers change. How it is made is the far edge's matter, which
// always makes the same of the same.
//
// The caller is who the client's certificate names, and, with caller_metadata or
// caller_local, the value of an entry. A call whose caller is not known is not answered
// from the cache and not kept, unless its rule is shared.
//
// # What is kept
//
// An answer of a server that counts as OK, for the ttl of its rule, unless it is too large
// or says itself, in a header or in its message, that it must not be kept. Exceptions and
// errors are not. The whole frame is kept, the metadata of the answer with it, and gets
// the id of each call that it answers. What filters behind this one, or the route, did to
// the answer's metadata is not in the frame, so it is not kept.
//
// Entries are bounded in number and in bytes, for each place where the filter stands. The
// one that was not asked for longest makes room. A place whose configuration has changed
// starts with nothing.
//
// # Waiting
//
// The first call that misses leads, those that ask for the same follow it:
//
//   - A good answer goes to all of them, also one that is too large to be kept.
//   - If the leader fails or dies, the follower that has waited longest leads. So a server
//     in trouble gets one call at a time and not all of them, and a failure that is the
//     leader's own, such as its deadline, is nobody else's.
//   - If the answer must not be given to others, all followers go on by themselves: the
//     next one would not be better.
//   - A follower that has waited for the rule's wait goes on by itself. If it has an
//     answer before its leader has, that is for all.
//   - A follower whose own deadline passes gets an error with cause timeout; one whose
//     client goes away leaves.
//
// # Metrics
//
// Each has the label cache, the name in the configuration:
//
//	meltemi_cache_hits_total        answered from the cache
//	meltemi_cache_misses_total      sent to a server, for all that ask for the same
//	meltemi_cache_coalesced_total   answered with what another call waited for
//	meltemi_cache_bypass_total      neither looked up nor led, by reason
//	meltemi_cache_evictions_total   entries that went, by reason: full, expired
//	meltemi_cache_entries           how many there are
//	meltemi_cache_bytes             what they take, each with 256 bytes beside its answer
//
// An expired entry is gone when somebody asks for it, or when it is its turn to make room.
package cache
