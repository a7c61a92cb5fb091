import { type DicomDataset, text } from '../dicom/reading/dataset.ts';

/**
 * When a report was made, to the millisecond, with its distance from UTC: its other dates state none where
 * the source states none.
 */
export function dateTimeInUtc(time: Date): string {
  return `${time.toISOString().replaceAll(/[-:TZ]/g, '')}+0000`;
}

/** A DT to the second or finer, with its distance from UTC. */
const DATE_TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d{1,6})?([+-])(\d\d)(\d\d)$/;

/**
 * When a report was made: its Observation DateTime. Format 1 had none; its content date and time are local to
 * the source where that states its zone, else to this process.
 */
export function readTime(report: DicomDataset): Date | undefined {
  const observed = zonedTime(text(report, 'ObservationDateTime') ?? '');
  if (observed) return observed;
  const date = text(report, 'ContentDate') ?? '';
  const time = (text(report, 'ContentTime') ?? '').slice(0, 6).padEnd(6, '0');
  const offset = text(report, 'TimezoneOffsetFromUTC');
  if (offset !== undefined) return zonedTime(date + time + offset);
  const parts = /^(\d{4})(\d\d)(\d\d)$/.exec(date);
  if (!parts) return undefined;
  const [hours, minutes, seconds] = [time.slice(0, 2), time.slice(2, 4), time.slice(4)];
  return valid(new Date(`${parts[1]}-${parts[2]}-${parts[3]}T${hours}:${minutes}:${seconds}`));
}

function zonedTime(value: string): Date | undefined {
  const parts = DATE_TIME.exec(value);
  if (!parts) return undefined;
  const [, year, month, day, hours, minutes, seconds, fraction = '', sign, offsetHours, offsetMinutes] =
    parts;
  const iso =
    `${year}-${month}-${day}T${hours}:${minutes}:${seconds}${fraction}` +
    `${sign}${offsetHours}:${offsetMinutes}`;
  return valid(new Date(iso));
}

function valid(time: Date): Date | undefined {
  return Number.isNaN(time.getTime()) ? undefined : time;
}
