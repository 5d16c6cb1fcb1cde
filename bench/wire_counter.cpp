#include "wire_counter.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <stdexcept>
#include <string>

namespace amdahl::bench {
namespace {

constexpr auto socket_name = ".s.PGSQL.5432";
constexpr std::uint32_t ssl_request = 80877103;
constexpr std::uint32_t gss_request = 80877104;

sockaddr_un address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto text = path.string();
  if (text.size() >= sizeof address.sun_path)
    throw std::runtime_error{"socket path too long: " + text};
  text.copy(address.sun_path, text.size());
  return address;
}

template <class Call>
int socket_at(const std::filesystem::path& path, Call call) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = address_of(path);
  if (fd < 0 || call(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error{"cannot use the socket " + path.string()};
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

// Walks the client's messages over whatever pieces they arrive in.
class MessageReader {
 public:
  /// How many of the messages that begin in `data` await an answer.
  std::int64_t read(const char* data, std::size_t size) {
    std::int64_t turns = 0;
    while (size > 0) {
      if (body_left_ > 0) {
        const auto skipped = std::min(body_left_, size);
        body_left_ -= skipped;
        data += skipped;
        size -= skipped;
        continue;
      }
      head_ += *data++;
      --size;
      turns += head_ends();
    }
    return turns;
  }

 private:
  std::uint32_t number(std::size_t at) const {
    std::uint32_t value = 0;
    for (std::size_t i = at; i < at + 4; ++i)
      value = value << 8U | static_cast<unsigned char>(head_[i]);
    return value;
  }

  // A message is a letter, its length, its body; the first of a connection has no letter.
  std::int64_t head_ends() {
    if (starting_) {
      if (head_.size() < 8) return 0;
      const auto code = number(4);
      starting_ = code == ssl_request || code == gss_request;
      body_left_ = number(0) - 8;
      head_.clear();
      return 0;
    }
    if (head_.size() < 5) return 0;
    const char kind = head_[0];
    body_left_ = number(1) - 4;
    head_.clear();
    return kind == 'Q' || kind == 'S' || kind == 'F' ? 1 : 0;
  }

  std::string head_;
  std::size_t body_left_ = 0;
  bool starting_ = true;
};

}  // namespace

struct WireCounter::Link {
  int client = -1;
  int server = -1;
  MessageReader reader;
};

WireCounter::WireCounter(const std::filesystem::path& listen_dir,
                         const std::filesystem::path& server_dir)
    : server_{server_dir / socket_name},
      listener_{socket_at(listen_dir / socket_name, [](int fd, const sockaddr* at, socklen_t size) {
        return ::bind(fd, at, size) == 0 ? ::listen(fd, 8) : -1;
      })} {
  if (::pipe(stop_) != 0) throw std::runtime_error{"cannot make a pipe"};
  thread_ = std::thread{[this] { serve(); }};
}

WireCounter::~WireCounter() {
  ::close(stop_[1]);
  thread_.join();
  for (const auto& link : links_) {
    ::close(link.client);
    ::close(link.server);
  }
  ::close(listener_);
  ::close(stop_[0]);
}

void WireCounter::accept_client() {
  Link link;
  link.client = ::accept(listener_, nullptr, nullptr);
  if (link.client < 0) return;
  link.server = socket_at(server_, ::connect);
  links_.push_back(std::move(link));
}

bool WireCounter::forward_request(Link& link) {
  std::array<char, 65536> buffer;
  const auto got = ::read(link.client, buffer.data(), buffer.size());
  if (got <= 0) return false;
  turns_ += link.reader.read(buffer.data(), static_cast<std::size_t>(got));
  return send_all(link.server, buffer.data(), static_cast<std::size_t>(got));
}

namespace {

bool forward_answer(int from, int to) {
  std::array<char, 65536> buffer;
  const auto got = ::read(from, buffer.data(), buffer.size());
  return got > 0 && send_all(to, buffer.data(), static_cast<std::size_t>(got));
}

}  // namespace

void WireCounter::serve() {
  for (;;) {
    std::vector<pollfd> watched{{stop_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
    for (const auto& link : links_) {
      watched.push_back({link.client, POLLIN, 0});
      watched.push_back({link.server, POLLIN, 0});
    }
    if (::poll(watched.data(), watched.size(), -1) < 0) continue;
    if (watched[0].revents != 0) return;
    const auto links = links_.size();
    std::vector<std::size_t> closed;
    for (std::size_t i = 0; i < links; ++i) {
      bool open = true;
      if (watched[2 + 2 * i].revents != 0) open = forward_request(links_[i]);
      if (open && watched[3 + 2 * i].revents != 0)
        open = forward_answer(links_[i].server, links_[i].client);
      if (!open) closed.push_back(i);
    }
    for (auto it = closed.rbegin(); it != closed.rend(); ++it) {
      ::close(links_[*it].client);
      ::close(links_[*it].server);
      links_.erase(links_.begin() + static_cast<std::ptrdiff_t>(*it));
    }
    if (watched[1].revents != 0) accept_client();
  }
}

}  // namespace amdahl::bench
