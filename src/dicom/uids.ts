import { createHash } from 'node:crypto';

/**
 * A UID that depends on nothing but its parts: "2.25." and the decimal value of a UUID (PS3.5 B.2).
 * The UUID is of version 8 (RFC 9562 5.8), its bits the first of the SHA-256 of the parts as a JSON array.
 * The first part should name the purpose, so that the same parts never give one UID to two things.
 */
export function deriveUid(...parts: string[]): string {
  const digest = createHash('sha256').update(JSON.stringify(parts), 'utf8').digest().subarray(0, 16);
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x80, 6); // version 8
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8); // variant of RFC 9562
  return `2.25.${BigInt(`0x${digest.toString('hex')}`)}`;
}

/** The form and the length of a UID: PS3.5 section 9.1. */
export const UID_PATTERN = /^[0-9]+(?:\.[0-9]+)*$/;
export const MAX_UID_LENGTH = 64;

/**
 * Whether a text is a UID (PS3.5 section 9.1): numbers with dots between them, 64 characters at most. Zeros
 * in front of a number are wrong, but exist. Nothing that passes means anything in a path.
 */
export function isUid(text: string): boolean {
  return text.length <= MAX_UID_LENGTH && UID_PATTERN.test(text);
}

/** A UUID of version 8 that depends on nothing but its parts, as `deriveUid`. */
export function deriveUuid(...parts: string[]): string {
  const hex = BigInt(deriveUid(...parts).slice('2.25.'.length))
    .toString(16)
    .padStart(32, '0');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
