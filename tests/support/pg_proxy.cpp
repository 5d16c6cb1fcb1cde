#include "support/pg_proxy.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>

namespace amdahl::test {
namespace {

constexpr auto socket_name = ".s.PGSQL.5432";

template <class Call>
int unix_socket(const std::filesystem::path& path, Call call) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto text = path.string();
  if (fd < 0 || text.size() >= sizeof address.sun_path) {
    throw std::runtime_error{"no socket can be made at " + text};
  }
  text.copy(address.sun_path, text.size());
  if (call(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(fd);
    throw std::runtime_error{"the socket " + text + " cannot be used"};
  }
  return fd;
}

bool send_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const auto sent = ::send(fd, data, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    data += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

std::size_t index_of(Direction direction) { return direction == Direction::to_server ? 0 : 1; }

}  // namespace

// Finds the ends of messages in whatever pieces they arrive: a letter, a length, a body; the first
// of a client has no letter.
class MessageEnds {
 public:
  explicit MessageEnds(bool has_startup) : letter_{has_startup ? 0U : 1U} {}

  void read(const char* data, std::size_t size, std::int64_t at, std::vector<std::int64_t>& ends) {
    for (std::size_t i = 0; i < size;) {
      if (head_.size() < letter_ + 4) {
        head_ += data[i++];
        if (head_.size() == letter_ + 4) body_left_ = length() - 4;
      } else {
        const auto step = std::min(body_left_, size - i);
        i += step;
        body_left_ -= step;
      }
      if (head_.size() < letter_ + 4 || body_left_ > 0) continue;
      ends.push_back(at + static_cast<std::int64_t>(i));
      head_.clear();
      letter_ = 1;
    }
  }

 private:
  std::size_t length() const {
    std::size_t value = 0;
    for (auto i = letter_; i < letter_ + 4; ++i) {
      value = value << 8U | static_cast<unsigned char>(head_[i]);
    }
    return std::max<std::size_t>(value, 4);
  }

  std::size_t letter_;
  std::string head_;
  std::size_t body_left_ = 0;
};

struct PgProxy::Link {
  int client;
  int server;
  bool silent = false;
  MessageEnds requests{true};
  MessageEnds answers{false};

  int from(Direction direction) const {
    return direction == Direction::to_server ? client : server;
  }
  int to(Direction direction) const { return direction == Direction::to_server ? server : client; }
};

PgProxy::PgProxy(const std::filesystem::path& listen_dir, const std::filesystem::path& server_dir)
    : server_{server_dir / socket_name},
      listener_{
          unix_socket(listen_dir / socket_name, [](int fd, const sockaddr* at, socklen_t size) {
            return ::bind(fd, at, size) == 0 ? ::listen(fd, 8) : -1;
          })} {
  if (::pipe(wake_) != 0) throw std::runtime_error{"cannot make a pipe"};
  thread_ = std::thread{[this] { serve(); }};
}

PgProxy::~PgProxy() {
  ends_ = true;
  (void)!::write(wake_[1], "x", 1);
  thread_.join();
  for (const auto& link : links_) {
    ::close(link.client);
    ::close(link.server);
  }
  for (const int fd : {listener_, wake_[0], wake_[1]}) ::close(fd);
}

void PgProxy::plan(std::optional<Cut> cut) {
  const std::lock_guard lock{mutex_};
  cut_ = cut;
  cut_done_ = false;
  for (auto& count : bytes_) count = 0;
  for (auto& ends : ends_at_) ends.clear();
}

bool PgProxy::cut_happened() const {
  const std::lock_guard lock{mutex_};
  return cut_done_;
}

void PgProxy::hang(bool on) {
  hangs_ = on;
  (void)!::write(wake_[1], "x", 1);
}

std::int64_t PgProxy::bytes(Direction direction) const {
  const std::lock_guard lock{mutex_};
  return bytes_[index_of(direction)];
}

std::vector<std::int64_t> PgProxy::message_ends(Direction direction) const {
  const std::lock_guard lock{mutex_};
  return ends_at_[index_of(direction)];
}

void PgProxy::accept_client() {
  const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  try {
    links_.push_back({client, unix_socket(server_, ::connect)});
  } catch (const std::runtime_error&) {
    ::close(client);  // the server is down
  }
}

// Answers whether the link lives on.
bool PgProxy::forward(Link& link, Direction direction) {
  std::array<char, 65536> buffer;
  const std::lock_guard lock{mutex_};
  const auto index = index_of(direction);
  const bool mine = cut_ && !cut_done_ && cut_->direction == direction;
  const auto left = mine ? cut_->bytes - bytes_[index] : std::int64_t{1} << 40;
  auto wanted = buffer.size();
  if (mine && cut_->style == CutStyle::reset) {
    // What is not read when the socket closes makes it a reset.
    wanted = static_cast<std::size_t>(
        std::clamp<std::int64_t>(left, 1, static_cast<std::int64_t>(wanted)));
  }
  const auto got = ::recv(link.from(direction), buffer.data(), wanted, 0);
  if (got <= 0) return false;
  if (link.silent) return true;
  const auto passed = static_cast<std::size_t>(std::min<std::int64_t>(got, left));
  auto& reader = direction == Direction::to_server ? link.requests : link.answers;
  reader.read(buffer.data(), passed, bytes_[index], ends_at_[index]);
  bytes_[index] += static_cast<std::int64_t>(passed);
  const bool sent = send_all(link.to(direction), buffer.data(), passed);
  if (!mine || got < left) return sent;
  cut_done_ = true;
  link.silent = cut_->style == CutStyle::silence;
  return link.silent;
}

void PgProxy::serve() {
  while (!ends_) {
    std::vector<pollfd> watched{{wake_[0], POLLIN, 0}};
    const bool hangs = hangs_;
    if (!hangs) {
      watched.push_back({listener_, POLLIN, 0});
      for (const auto& link : links_) {
        watched.push_back({link.client, POLLIN, 0});
        watched.push_back({link.server, POLLIN, 0});
      }
    }
    if (::poll(watched.data(), watched.size(), -1) < 0) continue;
    if (watched[0].revents != 0) {
      std::array<char, 64> ignored;
      (void)!::read(wake_[0], ignored.data(), ignored.size());
      continue;
    }
    std::vector<Link> kept;
    for (std::size_t i = 0; i < links_.size(); ++i) {
      auto& link = links_[i];
      bool open = true;
      if (watched[2 + 2 * i].revents != 0) open = forward(link, Direction::to_server);
      if (open && watched[3 + 2 * i].revents != 0) open = forward(link, Direction::to_client);
      if (open) {
        kept.push_back(std::move(link));
      } else {
        ::close(link.client);
        ::close(link.server);
      }
    }
    links_ = std::move(kept);
    if (watched[1].revents != 0) accept_client();
  }
}

std::filesystem::path socket_dir_of(const std::string& url) {
  const std::string key{"host='"};
  const auto begin = url.find(key) + key.size();
  return url.substr(begin, url.find('\'', begin) - begin);
}

std::string through_proxy(const std::string& url, const std::filesystem::path& listen_dir) {
  auto moved = url;
  const auto real = socket_dir_of(url).string();
  return moved.replace(moved.find(real), real.size(), listen_dir.string());
}

}  // namespace amdahl::test
