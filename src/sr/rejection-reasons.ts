import type { Code } from '../results/codes.ts';

/**
 * Why a result is withdrawn: titles of rejection notes (IHE RAD TF-3 4.66.4.1.3.1, from CID 7010 of PS3.16).
 */
export const REJECTION_REASONS = {
  quality: { value: '113001', scheme: 'DCM', meaning: 'Rejected for Quality Reasons' },
  safety: { value: '113037', scheme: 'DCM', meaning: 'Rejected for Patient Safety Reasons' },
  worklist: { value: '113038', scheme: 'DCM', meaning: 'Incorrect Modality Worklist Entry' },
  expired: { value: '113039', scheme: 'DCM', meaning: 'Data Retention Policy Expired' },
} as const satisfies Record<string, Code>;

export type RejectionReason = keyof typeof REJECTION_REASONS;

export const isRejectionReason = (word: string): word is RejectionReason =>
  Object.hasOwn(REJECTION_REASONS, word);
