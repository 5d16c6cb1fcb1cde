#include "memory_transaction.hpp"

#include <fmt/format.h>

#include <cctype>

#include "amdahl/core/sha256.hpp"

namespace amdahl::simulation {
namespace {

Hash event_hash(const MemoryEvent& event) {
  std::string text{event.prev_hash.begin(), event.prev_hash.end()};
  fmt::format_to(std::back_inserter(text), "{}\n{}\n{}\n{}\n{}\n{}", event.seq, event.fence,
                 event.kind, event.ref, timestamp(event.at_us), event.payload);
  return core::sha256(text);
}

}  // namespace

bool is_word(std::string_view text) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  return !text.empty() && text.size() <= 63 && lower(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return lower(c) || c == '_'; });
}

MemoryTransaction::MemoryTransaction(MemoryState& state_, core::Clock& clock, core::Random& salts_)
    : state{state_}, salts{salts_}, clock_{clock}, id_{++state_.last.transaction} {}

MemoryTransaction::~MemoryTransaction() {
  for (auto it = undo_.rbegin(); it != undo_.rend(); ++it) (*it)();
}

void MemoryTransaction::lead(const ledger::Lease& lease) {
  require_uuid(lease.term);
  const auto& head = state.head;
  if (head.term == lease.term && head.fence == lease.fence && !head.released) return;
  throw ledger::Fenced{fmt::format(
      "fence {} is past: another loop leads, or the lease was given back", lease.fence)};
}

void MemoryTransaction::append(std::vector<MemoryDraft> drafts) {
  if (drafts.empty()) return;
  const auto at = now_us();
  auto head = state.head;
  auto hash = state.head_hash;
  for (auto& draft : drafts) {
    require_check(is_word(draft.kind), "the kind of an event");
    require_check(
        left(draft.ref, 200) == draft.ref && draft.ref.find_first_of("\n\r") == std::string::npos,
        "the ref of an event");
    MemoryEvent event{++head.head_seq,
                      head.fence,
                      std::move(draft.kind),
                      std::move(draft.ref),
                      std::move(draft.payload),
                      at,
                      hash,
                      {}};
    event.hash = hash = event_hash(event);
    state.events.push_back(std::move(event));
    undo_.emplace_back([this] { state.events.pop_back(); });
  }
  head.head_hash = core::hex(hash);
  replace_unsealed(state.head_hash, hash);
  replace_unsealed(state.head, std::move(head));
}

void MemoryTransaction::append(MemoryDraft draft) {
  std::vector<MemoryDraft> drafts;
  drafts.push_back(std::move(draft));
  append(std::move(drafts));
}

void MemoryTransaction::seal() {
  if (seal_rows && changed_) append({"rows_changed", "rows", "{}"});
  changed_ = false;
}

void MemoryTransaction::open(std::vector<std::int64_t>& list, std::int64_t id) {
  list.push_back(id);
  undo_.emplace_back([&list] { list.pop_back(); });
}

void MemoryTransaction::close(std::vector<std::int64_t>& list, std::int64_t id) {
  const auto it = std::lower_bound(list.begin(), list.end(), id);
  if (it == list.end() || *it != id) return;
  const auto place = it - list.begin();
  list.erase(it);
  undo_.emplace_back([&list, place, id] { list.insert(list.begin() + place, id); });
}

void refuse(const char* sqlstate, std::string message) {
  throw ledger::Refused{std::move(message), sqlstate};
}
void require_check(bool holds, std::string_view what) {
  if (!holds) refuse("23514", fmt::format("a rule of the ledger is violated: {}", what));
}
void require_unique(bool holds, std::string_view what) {
  if (!holds) refuse("23505", fmt::format("it stands in the ledger already: {}", what));
}
void require_foreign(bool holds, std::string_view what) {
  if (!holds) refuse("23503", fmt::format("the ledger holds no such row: {}", what));
}

void require_uuid(std::string_view text) {
  bool fits = text.size() == 36;
  for (std::size_t i = 0; fits && i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    fits = dash ? text[i] == '-' : std::isxdigit(static_cast<unsigned char>(text[i])) != 0;
  }
  if (!fits) refuse("22P02", fmt::format("\"{}\" is no uuid", text));
}

}  // namespace amdahl::simulation
