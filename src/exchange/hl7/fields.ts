import type { Code } from '../../results/codes.ts';
import type { IssuedId, Issuer, OutgoingResult } from '../result/outgoing-result.ts';
import { components, type Encoded, type Part, repetitions, subcomponents } from './encoding.ts';

/** CWE: identifier, text, coding system (table 0396 has the names that DICOM has). */
export const coded = ({ value, meaning, scheme }: Code): Encoded => components(value, meaning, scheme);

/** HD as subcomponents. @param otherwise where nobody is named, as the site has it */
function hierarchic(issuer: Issuer | undefined, otherwise?: string | null): Part {
  if (issuer) return subcomponents(issuer.namespace, issuer.universalId, issuer.universalIdType);
  return otherwise ? { encoded: otherwise } : undefined;
}

/** A UID as HD. */
export const uidDesignator = (uid: string): Encoded => components(undefined, uid, 'ISO');

/** EI: an order number with who issued it. */
export function entity(id: IssuedId | undefined): Part {
  if (!id) return undefined;
  const { namespace, universalId, universalIdType } = id.issuer ?? {};
  return components(id.value, namespace, universalId, universalIdType);
}

/** EIP: what the placer and the filler call the same order. */
export function entityPair(placer: IssuedId | undefined, filler: IssuedId | undefined): Part {
  const part = (id: IssuedId | undefined): Part => {
    const { namespace, universalId, universalIdType } = id?.issuer ?? {};
    return id && subcomponents(id.value, namespace, universalId, universalIdType);
  };
  return components(part(placer), part(filler));
}

/** With the name of the application behind it, nearer to the 22 characters that OBR-3 has than a UUID. */
const NUMBER_DIGITS = 20;

/** The node's own number of a result: the same for all that takes its place, and for no other. */
export const resultNumber = ({ result }: Pick<OutgoingResult, 'result'>): string =>
  result.replaceAll('-', '').slice(0, NUMBER_DIGITS).toUpperCase();

const SUB_ID_DIGITS = 8;

/**
 * OBX-4 (20 characters): the same code of another result of the study never has it, also where a receiver
 * files by order, code and sub-ID alone.
 * @param place of at most seven characters: tells those of one code and one result apart
 */
export const subId = (result: Pick<OutgoingResult, 'result' | 'images'>, place?: string): string =>
  [result.images, resultNumber(result).slice(0, SUB_ID_DIGITS), ...(place === undefined ? [] : [place])].join(
    '.',
  );

/** CX with identifier type MR. */
export const patientId = ({ value, issuer }: IssuedId, authority: string | null): Encoded =>
  components(value, undefined, undefined, hierarchic(issuer, authority), 'MR');

/** Name representation codes (table 4000) of the component groups of a PN. */
const GROUPS = ['A', 'I', 'P'] as const;

/**
 * XPN of a PN (PS3.5 6.2.1): prefix and suffix change places, and each component group is a repetition.
 */
export function personName(name: string | undefined): Part {
  if (name === undefined) return undefined;
  const groups = name.split('=', GROUPS.length).map((group, i) => {
    const [family, given, middle, prefix, suffix] = group.split('^').map((one) => one.trim());
    if (![family, given, middle, prefix, suffix].some(Boolean)) return undefined;
    return components(family, given, middle, suffix, prefix, undefined, 'L', GROUPS[i]);
  });
  return repetitions(...groups.filter((group) => group !== undefined));
}

/** DA; undefined where it is none. */
export const date = (value: string | undefined): string | undefined =>
  /^\d{8}$/.test(value ?? '') ? value : undefined;

/** When the study was made (TS): as much as the images say. */
export function studyTime({ study }: OutgoingResult): string | undefined {
  const day = date(study.date);
  const time = /^(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d(?:\.\d{1,4})?)?/.exec(study.time)?.[0];
  if (day === undefined || time === undefined) return day;
  return `${day}${time}${study.offset ?? ''}`;
}

/** A moment, in UTC. */
export const moment = (at: Date): string => `${at.toISOString().replaceAll(/[-T:]|Z$/g, '')}+0000`;

/** Table 0001, as far as PatientSex (PS3.3 C.7.1.1) knows it. */
export const sex = (value: string | undefined): string | undefined => {
  if (value === undefined) return undefined;
  return ['M', 'F', 'O'].includes(value) ? value : 'U';
};
