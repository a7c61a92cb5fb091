import { z } from 'zod';
import type { ArchiveAccess } from './archive-access.ts';
import { badAnswer, DicomWebStatusError } from './errors.ts';

/** One instance that the archive did not take. */
export interface StoreFailure {
  /** Missing where the archive could not even read the instance's UID. */
  readonly sopInstanceUid: string | undefined;
  /** FailureReason (0008,1197), PS3.18 table I.2-2, where it was given. */
  readonly reason: number | undefined;
}

/** What an archive said about one STOW-RS request. It is not proof: `storeVerified` looks. */
export interface StoreOutcome {
  readonly status: number;
  /** SOP instance UIDs in ReferencedSOPSequence. */
  readonly stored: readonly string[];
  /** Items of FailedSOPSequence and OtherFailuresSequence. */
  readonly failed: readonly StoreFailure[];
}

/** A DICOM JSON element as far as a STOW-RS answer needs it; unknown members are left alone. */
const element = <T extends z.ZodType>(value: T) => z.object({ Value: z.array(value).optional() }).optional();
const item = z.object({
  '00081155': element(z.string()), // ReferencedSOPInstanceUID
  '00081197': element(z.number().int()), // FailureReason
});
const answer = z.object({
  '00081198': element(item), // FailedSOPSequence
  '00081199': element(item), // ReferencedSOPSequence
  '0008119A': element(item), // OtherFailuresSequence
});

/** Statuses of STOW-RS whose body says which instances were stored: PS3.18 10.5.3, and Orthanc's 400. */
export const ANSWERS_TO_STORE: ReadonlySet<number> = new Set([200, 202, 204, 400, 409]);

/**
 * What the archive said about a STOW-RS request, with one of the statuses above.
 * @throws DicomError DICOM_WEB_STATUS, DICOM_WEB_ANSWER where it did not say what was stored
 */
export function storeOutcome(
  access: ArchiveAccess,
  url: string,
  { status, body }: { readonly status: number; readonly body: string },
): StoreOutcome {
  const outcome = readStoreAnswer(status, body);
  if (outcome) return outcome;
  if (status >= 400) {
    throw new DicomWebStatusError(url, status, undefined, { text: access.wordsOf(Buffer.from(body)) });
  }
  throw badAnswer(url, `answered ${status} to STOW-RS without saying what was stored`);
}

/**
 * Reads the answer of a STOW-RS request (PS3.18 10.5.3 and annex I.2).
 * @param body of the answer, whatever its type says; some archives send an array of one data set
 * @returns undefined where the body is no such answer: none of its three sequences is there
 */
function readStoreAnswer(status: number, body: string): StoreOutcome | undefined {
  const parsed = answer.safeParse(firstItem(parseJson(body)));
  if (!parsed.success || Object.keys(parsed.data).length === 0) return undefined;
  const failures = [...(parsed.data['00081198']?.Value ?? []), ...(parsed.data['0008119A']?.Value ?? [])];
  return {
    status,
    stored: (parsed.data['00081199']?.Value ?? []).flatMap((entry) => entry['00081155']?.Value ?? []),
    failed: failures.map((entry) => ({
      sopInstanceUid: entry['00081155']?.Value?.[0],
      reason: entry['00081197']?.Value?.[0],
    })),
  };
}

function firstItem(body: unknown): unknown {
  return Array.isArray(body) ? body[0] : body;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
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
  [0x0117, 0x0117, 'invalid SOP instance UID'],
  [0x0122, 0x0122, 'SOP class not supported'],
  [0x0124, 0x0124, 'refused: not authorized'],
];

/** A failure reason in words, with its number. */
export function reasonText(reason: number): string {
  const known = REASONS.find(([from, to]) => reason >= from && reason <= to);
  return `${known?.[2] ?? 'failure'} (0x${reason.toString(16).toUpperCase().padStart(4, '0')})`;
}
