#include "slots.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "amdahl/run_files/durable.hpp"

namespace amdahl::worker {
namespace {

using core::Result;
using run_files::UniqueFd;

struct SlotRange {
  std::int64_t begin = 0;
  std::int64_t count = 0;
};

struct flock slot_lock(short type, SlotRange range) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = range.begin;
  lock.l_len = range.count;
  return lock;
}

// The kernel names any one conflicting lock, not the first: split around it and look again.
void collect_free(int fd, SlotRange range, std::vector<SlotRange>& free) {
  if (range.count <= 0) return;
  auto lock = slot_lock(F_WRLCK, range);
  if (::fcntl(fd, F_OFD_GETLK, &lock) != 0) return;  // cannot see: nothing is known to be free
  if (lock.l_type == F_UNLCK) {
    free.push_back(range);
    return;
  }
  const auto end = range.begin + range.count;
  const auto taken_end = lock.l_len == 0 ? end : lock.l_start + lock.l_len;
  collect_free(fd, {range.begin, lock.l_start - range.begin}, free);
  collect_free(fd, {taken_end, end - taken_end}, free);
}

// The lowest free slots that make up `wanted`; nothing when there are too few.
std::optional<std::vector<SlotRange>> choose(int fd, std::int64_t total, std::int64_t wanted) {
  std::vector<SlotRange> free;
  collect_free(fd, {0, total}, free);
  std::vector<SlotRange> chosen;
  for (const auto& range : free) {
    if (wanted <= 0) break;
    chosen.push_back({range.begin, std::min(range.count, wanted)});
    wanted -= chosen.back().count;
  }
  if (wanted > 0) return std::nullopt;
  return chosen;
}

bool set_all(int fd, short type, const std::vector<SlotRange>& ranges) {
  for (const auto& range : ranges) {
    auto lock = slot_lock(type, range);
    if (::fcntl(fd, F_OFD_SETLK, &lock) != 0) return false;
  }
  return true;
}

Result<UniqueFd> open_slot_file(const std::filesystem::path& path) {
  UniqueFd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!fd) return run_files::system_error("open", path, errno);
  return fd;
}

}  // namespace

Result<Slots> Slots::open(const std::filesystem::path& directory, SlotCount total) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return run_files::system_error("create", directory, errno);
  }
  Slots slots;
  const auto add = [&](File& file, const char* name, std::int64_t count) -> Result<void> {
    auto fd = open_slot_file(directory / name);
    if (!fd) return fd.error();
    file = {std::move(*fd), count};
    return {};
  };
  if (auto opened = add(slots.allocator_, "allocator", 1); !opened) return opened.error();
  if (auto opened = add(slots.gpus_, "gpus", total.gpus); !opened) return opened.error();
  if (auto opened = add(slots.cpus_, "cpus", total.cpus); !opened) return opened.error();
  if (auto opened = add(slots.memory_, "memory", total.memory_mib); !opened) return opened.error();
  return slots;
}

Result<std::optional<std::vector<std::int64_t>>> Slots::try_take(SlotCount wanted) {
  using Taken = std::optional<std::vector<std::int64_t>>;
  // One shim chooses at a time; a dead one's lock is gone with it.
  const std::vector<SlotRange> whole{{0, 1}};
  if (!set_all(allocator_.fd.get(), F_WRLCK, whole)) return Taken{};
  const auto gpus = choose(gpus_.fd.get(), gpus_.total, wanted.gpus);
  const auto cpus = choose(cpus_.fd.get(), cpus_.total, wanted.cpus);
  const auto memory = choose(memory_.fd.get(), memory_.total, wanted.memory_mib);
  Taken taken;
  if (gpus && cpus && memory) {
    if (set_all(gpus_.fd.get(), F_WRLCK, *gpus) && set_all(cpus_.fd.get(), F_WRLCK, *cpus) &&
        set_all(memory_.fd.get(), F_WRLCK, *memory)) {
      taken.emplace();
      for (const auto& range : *gpus) {
        for (auto id = range.begin; id < range.begin + range.count; ++id) taken->push_back(id);
      }
    } else {
      for (const auto* file : {&gpus_, &cpus_, &memory_}) {
        set_all(file->fd.get(), F_UNLCK, {{0, file->total}});
      }
    }
  }
  set_all(allocator_.fd.get(), F_UNLCK, whole);
  return taken;
}

}  // namespace amdahl::worker
