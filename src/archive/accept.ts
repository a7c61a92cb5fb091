import { MIMEType } from 'node:util';

/** One media range of an Accept header. */
export interface AcceptedType {
  /** Media type of the body, or of its parts where `multipart`; wild cards as they were written. */
  readonly type: string;
  readonly multipart: boolean;
  /** Transfer syntax UID, `*`, or undefined where none was named. */
  readonly transferSyntax: string | undefined;
}

/** No Accept header means anything. */
const ANYTHING: AcceptedType = { type: '*/*', multipart: true, transferSyntax: undefined };

/**
 * Reads an Accept header (PS3.18 8.3.3.1, 8.7.4). What it cannot read is left out, as HTTP says of unknown
 * ranges. `multipart/related` without a type means parts of any type.
 */
export function parseAccept(header: string | undefined): AcceptedType[] {
  if (header === undefined || header.trim() === '') return [ANYTHING];
  const ranges = header.match(/(?:[^,"]|"[^"]*")+/g) ?? [];
  return ranges.flatMap((range) => {
    const parsed = parseRange(range.trim());
    return parsed ? [parsed] : [];
  });
}

function parseRange(range: string): AcceptedType | undefined {
  let media: MIMEType;
  try {
    media = new MIMEType(range);
  } catch {
    return undefined;
  }
  const transferSyntax = media.params.get('transfer-syntax') ?? undefined;
  if (media.essence === '*/*') return { ...ANYTHING, transferSyntax };
  if (media.type !== 'multipart') return { type: media.essence, multipart: false, transferSyntax };
  if (!['related', '*'].includes(media.subtype)) return undefined;
  const type = media.params.get('type')?.toLowerCase() ?? '*/*';
  return { type, multipart: true, transferSyntax };
}

/** Whether a media range like `image/*` holds a media type. */
export function includesType(range: string, type: string): boolean {
  return range === '*/*' || range === type || range === `${type.split('/')[0]}/*`;
}
