// What time it is at the server: its clock alone decides what is in time. Pure; times are milliseconds.

const KEPT = 12;
/** Beyond this, two samples cannot both be right: a clock was moved, or the machine slept. */
const SLACK = 50;

export class ServerClock {
  /** `local()` reads a clock of this device that never goes back. */
  constructor(local) {
    this.local = local;
    this.samples = [];
    this.offset = 0;
    this.known = false;
  }

  now() {
    return this.local() + this.offset;
  }

  /** An answered ping: sent and received by the local clock, `server` in between. */
  sample(sent, received, server) {
    const trip = Math.max(0, received - sent);
    const fresh = { trip, offset: server - (sent + received) / 2 };
    const best = this._best();
    if (best && Math.abs(best.offset - fresh.offset) > (best.trip + trip) / 2 + SLACK) {
      this.samples = [];
    }
    this.samples = [...this.samples, fresh].slice(-KEPT);
    this.offset = this._best().offset;
    this.known = true;
  }

  /** A message stamped `server` just arrived: good enough until the first ping is answered. */
  hint(server) {
    if (!this.samples.length) {
      this.offset = server - this.local();
      this.known = true;
    }
  }

  _best() {
    return this.samples.reduce((best, one) => (best && best.trip <= one.trip ? best : one), null);
  }
}

/** «1:02:03» or «2:03»; a started second still counts. */
export function clockText(left) {
  const seconds = Math.max(0, Math.ceil(left / 1000));
  const two = (value) => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

const MINUTE = 60_000;

/** How much attention a running clock asks for: "", "low" or "last". */
export function urgency(left, limit) {
  if (left <= Math.min(MINUTE, limit / 10)) {
    return "last";
  }
  return left <= Math.min(10 * MINUTE, limit / 4) ? "low" : "";
}

/** Moments worth saying aloud, as time left, longest first. */
export function thresholds(limit) {
  const fixed = [10 * MINUTE, 5 * MINUTE, MINUTE].filter((mark) => mark < limit / 2);
  return [limit / 2, ...fixed];
}

/** The threshold that was passed between two readings of the time left, or null. */
export function passed(before, left, marks) {
  const crossed = marks.filter((mark) => before > mark && left <= mark);
  return crossed.length ? Math.min(...crossed) : null;
}
