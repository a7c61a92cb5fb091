import { type DicomDataset, sequence, text } from '../dicom/reading/dataset.ts';
import { isUid } from '../dicom/uids.ts';
import type { Code } from '../results/codes.ts';

/** Which workitems this node performs. */
export interface OrderSettings {
  /** The station name that workitems are scheduled for, and were performed at. */
  readonly station: Code;
  /** Code values of the workitems that are performed: `110001`, or `VALUE^SCHEME`. */
  readonly workitemCodes: readonly string[];
}

/**
 * Whether a workitem is one for this node to claim now: scheduled and ready, its time come, for this station,
 * of a kind that is performed.
 * @param isOwn it is in the node's own worklist: what names no station, or no code, was sent to this node
 */
export function isClaimable(
  workitem: DicomDataset,
  { station, workitemCodes }: OrderSettings,
  { isOwn, now }: { readonly isOwn: boolean; readonly now: Date },
): boolean {
  const stations = sequence(workitem, 'ScheduledStationNameCodeSequence');
  const isHere = stations.some(
    (one) =>
      text(one, 'CodeValue') === station.value &&
      [station.scheme, undefined].includes(text(one, 'CodingSchemeDesignator')),
  );
  const codes = sequence(workitem, 'ScheduledWorkitemCodeSequence');
  const isKnown = codes.some((code) => {
    const value = text(code, 'CodeValue') ?? '';
    return (
      workitemCodes.includes(value) ||
      workitemCodes.includes(`${value}^${text(code, 'CodingSchemeDesignator')}`)
    );
  });
  const start = startOf(text(workitem, 'ScheduledProcedureStepStartDateTime'));
  return (
    isUid(text(workitem, 'SOPInstanceUID') ?? '') &&
    text(workitem, 'ProcedureStepState') === 'SCHEDULED' &&
    text(workitem, 'InputReadinessState') === 'READY' &&
    (isHere || (isOwn && stations.length === 0)) &&
    (isKnown || (isOwn && codes.length === 0)) &&
    (start === undefined || start <= now.getTime())
  );
}

const URGENCY: Readonly<Record<string, number>> = { HIGH: 0, MEDIUM: 1, LOW: 2 };

/** Urgent ones first, then those that were to be done first. */
export function byUrgency(a: DicomDataset, b: DicomDataset): number {
  const urgency = (one: DicomDataset) => URGENCY[text(one, 'ScheduledProcedureStepPriority') ?? ''] ?? 1;
  const start = (one: DicomDataset) => text(one, 'ScheduledProcedureStepStartDateTime') ?? '';
  return urgency(a) - urgency(b) || start(a).localeCompare(start(b));
}

const DATE_TIME = /^(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?(?:\.\d{1,6})?(?:([+-])(\d{2})(\d{2}))?$/;

/**
 * A DT (PS3.5 section 6.2) as milliseconds since 1970; without an offset it is in the node's own time zone.
 * @returns undefined where it is none
 */
export function startOf(dateTime: string | undefined): number | undefined {
  const match = DATE_TIME.exec(dateTime ?? '');
  if (!match) return undefined;
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((part) => (part === undefined ? undefined : Number(part)));
  const [, , , , , , , sign, hours, minutes] = match;
  if (sign === undefined) return new Date(year, month - 1, day, hour, minute, second).getTime();
  const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
  return Date.UTC(year, month - 1, day, hour, minute - offset, second);
}
