# A server of Rails' Action Cable without the rest of Rails: each client subscribes to a room, and
# gets a message every four seconds.

require "action_cable"
require "logger"
require "concurrent"

OPEN = Concurrent::AtomicFixnum.new
TOTAL = Concurrent::AtomicFixnum.new
SUBSCRIBED = Concurrent::AtomicFixnum.new
MESSAGES = Concurrent::AtomicFixnum.new

class Connection < ActionCable::Connection::Base
  def connect
    OPEN.increment
    TOTAL.increment
  end

  def disconnect
    OPEN.decrement
  end
end

class RoomChannel < ActionCable::Channel::Base
  periodically :tell_time, every: 4

  def subscribed
    SUBSCRIBED.increment
  end

  def tell_time
    MESSAGES.increment
    transmit({ "room" => params["room"], "time" => Time.now.to_i })
  end
end

configuration = ActionCable::Server::Configuration.new
configuration.logger = Logger.new($stderr, level: Logger::WARN)
configuration.connection_class = -> { Connection }
configuration.cable = { "adapter" => "async" }
# Rails compares the `Origin` of a browser with these.
configuration.allowed_request_origins = ["http://127.0.0.1:3001"]
cable = ActionCable::Server::Base.new(config: configuration)

metrics = lambda do |_environment|
  counts = { open_sockets: OPEN, sockets_total: TOTAL, subscriptions_total: SUBSCRIBED,
             messages_total: MESSAGES }
  page = counts.map { |name, count| "#{name} #{count.value}\n" }.join
  [200, { "Content-Type" => "text/plain" }, [page]]
end

run Rack::URLMap.new("/cable" => cable, "/metrics" => metrics)
