/**
 * Why a study is compared with none, or not with others of its PatientID. `no id`: it has no PatientID, or
 * one that stands for nobody. `contradiction`: studies under the ID are of several people. `ambiguous`: it
 * may be of either of two who contradict each other. `unproven`: too little is known.
 */
export const APART_REASONS = ['no id', 'contradiction', 'ambiguous', 'unproven'] as const;
export type ApartReason = (typeof APART_REASONS)[number];

/** For people: in reports and on pages. */
export const APART_MEANINGS: Readonly<Record<ApartReason, string>> = {
  'no id':
    'Nothing is compared with other studies: the PatientID is missing, or a placeholder that many patients ' +
    'may share.',
  contradiction:
    'Other studies under this PatientID are not compared with: birth date, sex or given name differ, so ' +
    'they may be of another person.',
  ambiguous:
    'Other studies under this PatientID are not compared with: the ID stands for several people, and whose ' +
    'this or they are is not certain.',
  unproven:
    'Other studies under this PatientID are not compared with: birth date or sex is missing, and the names ' +
    'differ or are missing too.',
};
