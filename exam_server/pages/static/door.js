// When the page that waits does what, by the time left until it opens. Pure; times are milliseconds, `random` is 0 to 1.

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** Moments worth saying aloud, as time left. */
export const MARKS = [60 * MINUTE, 10 * MINUTE, 5 * MINUTE, MINUTE];
/** Thousands wait for the same moment: they come in within so long after it. */
const SPREAD = 8_000;
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 10_000;

export const enterAfter = (random) => random * SPREAD;

/** How long to wait after so many tries that failed. */
export const tryAfter = (failures, random) =>
  (0.5 + random / 2) * Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(failures, 10));

/** How long until the server is asked whether anything has changed: not by all who wait at once. */
export const askAfter = (left, random) => (left > 10 * MINUTE ? 2 * MINUTE : MINUTE) * (0.75 + random / 2);

/** Whole days where it is longer than one, else null: a clock of so many hours tells nothing. */
export const daysLeft = (left) => (left > DAY ? Math.floor(left / DAY) : null);
