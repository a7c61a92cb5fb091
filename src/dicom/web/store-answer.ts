import { number, sequence, text } from '../reading/dataset.ts';
import { naturalizeJson } from '../reading/naturalize.ts';
import type { ArchiveAccess } from './archive-access.ts';
import { DicomWebStatusError } from './errors.ts';

/** One instance that the archive did not take. */
export interface StoreFailure {
  /** Missing where the archive could not even read the instance's UID. */
  readonly sopInstanceUid: string | undefined;
  /** FailureReason (0008,1197), PS3.18 table I.2-2, where it was given. */
  readonly reason: number | undefined;
}

/** What an archive said about one request to store. It is not proof: `storeVerified` looks. */
export interface StoreOutcome {
  /** Of HTTP, or of DIMSE. */
  readonly status: number;
  /** SOP instance UIDs in ReferencedSOPSequence. */
  readonly stored: readonly string[];
  /** Items of FailedSOPSequence and OtherFailuresSequence. */
  readonly failed: readonly StoreFailure[];
  /** Its own words, where it named no instance. */
  readonly said?: string | undefined;
}

/**
 * Statuses of STOW-RS whose body may say which instances were stored: PS3.18 10.5.3, whatever else is no
 * error, and Orthanc's 400.
 */
export const isAnswerToStore = (status: number): boolean =>
  (status >= 200 && status < 300) || status === 400 || status === 409;

/**
 * What the archive said about a STOW-RS request, with one of the statuses above. An answer without an error
 * that does not name the instances, or is of another kind, says nothing of them: whether they are stored, a
 * look tells.
 * @throws DicomError DICOM_WEB_STATUS where it is an error that names none
 */
export function storeOutcome(
  access: ArchiveAccess,
  url: string,
  { status, body }: { readonly status: number; readonly body: string },
): StoreOutcome {
  const outcome = readStoreAnswer(status, body);
  if (outcome) return outcome;
  const words = access.wordsOf(Buffer.from(body.slice(0, LONGEST_WORDS)));
  if (status >= 400) throw new DicomWebStatusError(url, status, undefined, { text: words });
  return { status, stored: [], failed: [], said: isForPeople(body) ? words : undefined };
}

const LONGEST_WORDS = 8192;

/** Pages and plain text, but neither JSON nor XML, which may hold what belongs to a patient. */
const isForPeople = (body: string): boolean => !/^\s*([[{"]|<(?!!doctype html|html))/i.test(body);

/**
 * Reads the answer of a STOW-RS request (PS3.18 10.5.3 and annex I.2).
 * @param body of the answer, whatever its type says; some archives send an array of one data set
 * @returns undefined where the body is no such answer: none of its three sequences is there
 */
function readStoreAnswer(status: number, body: string): StoreOutcome | undefined {
  const answer = naturalizeJson(firstItem(parseJson(body)));
  if (!answer || !SEQUENCES.some((keyword) => keyword in answer)) return undefined;
  const failures = [...sequence(answer, 'FailedSOPSequence'), ...sequence(answer, 'OtherFailuresSequence')];
  return {
    status,
    stored: sequence(answer, 'ReferencedSOPSequence').flatMap(
      (item) => text(item, 'ReferencedSOPInstanceUID') ?? [],
    ),
    failed: failures.flatMap((item) => {
      const sopInstanceUid = text(item, 'ReferencedSOPInstanceUID');
      const reason = number(item, 'FailureReason');
      return sopInstanceUid === undefined && reason === undefined ? [] : [{ sopInstanceUid, reason }];
    }),
  };
}

const SEQUENCES = ['FailedSOPSequence', 'ReferencedSOPSequence', 'OtherFailuresSequence'] as const;

function firstItem(body: unknown): unknown {
  return Array.isArray(body) ? body[0] : body;
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body.replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
}

/** PS3.18 table I.2-2 and PS3.4 table B.2-1: the failure reasons that archives send. */
const REASONS: readonly [from: number, to: number, meaning: string][] = [
  [0xa700, 0xa7ff, 'out of resources'],
  [0xa900, 0xa9ff, 'data set does not match its SOP class'],
  [0xc122, 0xc122, 'transfer syntax not supported'],
  [0xc000, 0xcfff, 'cannot understand the data set'],
  [0x0110, 0x0110, 'processing failure'],
  [0x0111, 0x0111, 'another instance with this UID is there already'],
  [0x0112, 0x0112, 'no such instance'],
  [0x0117, 0x0117, 'invalid SOP instance UID'],
  [0x0122, 0x0122, 'SOP class not supported'],
  [0x0124, 0x0124, 'refused: not authorized'],
];

/** A failure reason in words, with its number. */
export function reasonText(reason: number): string {
  const known = REASONS.find(([from, to]) => reason >= from && reason <= to);
  return `${known?.[2] ?? 'failure'} (0x${reason.toString(16).toUpperCase().padStart(4, '0')})`;
}
