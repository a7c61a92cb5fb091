import { z } from 'zod';

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;
type Day = (typeof DAYS)[number];

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;
/** Hours recur every week. */
const LONGEST_SEARCH_MINUTES = 8 * DAY_MINUTES;

const timeOfDay = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'must be a time such as 07:30, at most 24:00');

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/**
 * Hours of the week. From 22:00 to 06:00 goes on into the next day; `days` name the one on which it begins.
 */
export const hoursSchema = z
  .strictObject({
    days: z.array(z.enum(DAYS)).min(1),
    from: timeOfDay,
    to: timeOfDay,
    timeZone: z.string().refine(isTimeZone, 'must be a time zone such as Europe/Berlin'),
  })
  .refine(({ from, to }) => from !== to, {
    path: ['to'],
    error: 'is the same as from; the whole day is 00:00 to 24:00',
  });
export type Hours = z.infer<typeof hoursSchema>;

/** Whether a time lies within the hours; the first minute belongs to them, the last (`to`) does not. */
export function isWithin(hours: Hours, at: Date): boolean {
  const { day, minutes } = localTime(hours.timeZone, at);
  const [from, to] = [minutesOf(hours.from), minutesOf(hours.to)];
  if (from < to) return hours.days.includes(day) && from <= minutes && minutes < to;
  return (
    (hours.days.includes(day) && from <= minutes) || (hours.days.includes(dayBefore(day)) && minutes < to)
  );
}

/**
 * The first full minute after `at` that lies outside; only for hours that leave one. Goes minute by minute,
 * so that it is right across a change of the clocks.
 */
export function endOf(hours: Hours, at: Date): Date {
  const start = Math.floor(at.getTime() / MINUTE_MS);
  for (let minute = 1; minute < LONGEST_SEARCH_MINUTES; minute += 1) {
    const candidate = new Date((start + minute) * MINUTE_MS);
    if (!isWithin(hours, candidate)) return candidate;
  }
  return new Date((start + LONGEST_SEARCH_MINUTES) * MINUTE_MS);
}

/** Whether the hours cover the whole week. */
export const isAlways = ({ days, from, to }: Hours): boolean =>
  DAYS.every((day) => days.includes(day)) && from === '00:00' && to === '24:00';

const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

const dayBefore = (day: Day): Day => DAYS[(DAYS.indexOf(day) + DAYS.length - 1) % DAYS.length] ?? day;

/** Kept, as making a formatter is slow and there are thousands of calls in a row. */
const formats = new Map<string, Intl.DateTimeFormat>();

function localTime(timeZone: string, at: Date): { day: Day; minutes: number } {
  const options = { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  const format = formats.get(timeZone) ?? new Intl.DateTimeFormat('en-GB', { ...options, timeZone });
  formats.set(timeZone, format);
  const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]));
  const day = DAYS.find((name) => name === parts.get('weekday'));
  if (!day) throw new RangeError(`no day of the week in ${format.format(at)}`);
  return { day, minutes: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) };
}
