import { hashedIdentifier } from './identifiers.ts';

export interface RedactionOptions {
  /** Key of the hashes that stand for UIDs; undefined: UIDs stay as they are. */
  readonly identifierKey: string | undefined;
  /** Values that are never to be seen, such as the archive's password. */
  readonly secrets: readonly string[];
}

const MASK = '********';
/** Shorter secrets would match everywhere, and protect nothing. */
const SHORTEST_SECRET = 6;

/** A field whose name says that it holds UIDs, with its value or list of values, in JSON. */
const UID_FIELD = /("\w*uids?":)("[^"]*"|\[[^\]]*\])/gi;
const JSON_STRING = /"([^"]+)"/g;
/**
 * A UID (PS3.5 section 9.1) anywhere in a text: one made of a UUID (section B.2), or one that cannot be an IP
 * address because it has five parts or more, or more characters.
 */
const UID_IN_TEXT = /(?<![\w.])(?:2\.25(?:\.\d+)+|[0-2](?:\.\d+){4,}|(?=[\d.]{16})[0-2](?:\.\d+){2,})(?!\w)/g;
/** UIDs that DICOM itself gives away: SOP classes, transfer syntaxes. They say nothing about anybody. */
const DICOM_ROOT = '1.2.840.10008.';

/**
 * A person's name as DICOM writes it, its parts between circumflexes (PS3.5 section 6.2.1.1), with what
 * follows it up to the next mark. No message is meant to hold one; this is for the one that nobody thought
 * of.
 */
const PERSON_NAME = /[\p{L}\p{M}\p{N}.'-]+(?:\^[\p{L}\p{M}\p{N}.' -]*)+/gu;
/** JavaScript quotes the text that it could not parse; in a line of JSON its quotation marks are escaped. */
const UNPARSED = /(Unexpected token .{1,8}?, ).*?( is not valid JSON)/g;

/** User and password in an address. */
const URL_CREDENTIALS = /(\w+:\/\/)[^\s/@"\\]+@/g;
/** Values of an Authorization header (RFC 9110 section 11). */
const AUTHORIZATION = /\b(Bearer|Basic)\s+[\w~+/.=-]{6,}/gi;
/** The node's own tokens. */
const TOKEN = /\bpansegnet_[\w-]{20,}/g;

/**
 * Makes the last step before a line of the log is written: it sees the whole line, whatever fields, messages
 * and causes of errors it was put together from, so that nothing depends on the care of those who log.
 */
export function createRedactor({ identifierKey, secrets }: RedactionOptions): (line: string) => string {
  const known = secrets.filter((secret) => secret.length >= SHORTEST_SECRET);
  const hashed = (uid: string): string =>
    identifierKey === undefined || uid.startsWith(DICOM_ROOT) ? uid : hashedIdentifier(uid, identifierKey);
  const withoutUids = (line: string): string =>
    line
      .replace(UID_FIELD, (_field, name: string, value: string) => {
        return name + value.replace(JSON_STRING, (_string, uid: string) => `"${hashed(uid)}"`);
      })
      .replace(UID_IN_TEXT, hashed);
  return (line) => {
    const masked = known
      .reduce((text, secret) => text.replaceAll(JSON.stringify(secret).slice(1, -1), MASK), line)
      .replace(URL_CREDENTIALS, `$1${MASK}@`)
      .replace(AUTHORIZATION, `$1 ${MASK}`)
      .replace(TOKEN, MASK)
      .replace(UNPARSED, `$1${MASK}$2`)
      .replace(PERSON_NAME, MASK);
    return identifierKey === undefined ? masked : withoutUids(masked);
  };
}
