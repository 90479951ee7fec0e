// Idle sockets with heartbeats, as one virtual user for each socket.
//
//   k6 run -e URL=ws://127.0.0.1:8765/ -e SOCKETS=5000 -e INTERVAL=20 -e STEADY=60 k6.js
//
// PING=1 sends WebSocket pings in place of JSON messages. Times are in seconds.
import { WebSocket } from 'k6/experimental/websockets';
import { Counter, Trend } from 'k6/metrics';

const rtt = new Trend('heartbeat_rtt', true);
const missed = new Counter('heartbeats_missed');

const sockets = Number(__ENV.SOCKETS);
const interval = Number(__ENV.INTERVAL);
const pings = __ENV.PING === '1';

export const options = {
  scenarios: {
    phone: {
      executor: 'ramping-vus',
      startVUs: 0,
      gracefulStop: '0s',
      gracefulRampDown: '0s',
      stages: [
        { duration: `${interval}s`, target: sockets },
        { duration: `${__ENV.STEADY}s`, target: sockets },
      ],
    },
  },
  summaryTrendStats: ['avg', 'med', 'p(99)', 'max', 'count'],
};

export default function () {
  const socket = new WebSocket(__ENV.URL.replace('{device}', `phone-${__VU}`));
  let sentAt = 0;

  const answered = () => {
    rtt.add(Date.now() - sentAt);
    sentAt = 0;
  };
  const heartbeat = () => {
    if (sentAt) missed.add(1);
    sentAt = Date.now();
    if (pings) socket.ping();
    else socket.send(JSON.stringify({ type: 'ping' }));
  };

  socket.onopen = () => {
    if (pings) setInterval(heartbeat, interval * 1000);
    else socket.send(JSON.stringify({ type: 'hello', device: `phone-${__VU}` }));
  };
  socket.onmessage = (event) => {
    const message = JSON.parse(event.data);
    if (message.type === 'welcome') setInterval(heartbeat, interval * 1000);
    else if (message.type === 'pong' && sentAt) answered();
  };
  socket.onpong = () => {
    if (sentAt) answered();
  };
}
