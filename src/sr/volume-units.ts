import { CODES, type Code } from '../results/codes.ts';
import type { ReportForm } from './report-form.ts';

/** A millilitre is a cubic centimetre: the number is the same, and systems know one name or the other. */
export const VOLUME_UNITS: Readonly<
  Record<ReportForm['volumeUnit'], { readonly volume: Code; readonly perYear: Code }>
> = {
  ml: { volume: CODES.millilitre, perYear: CODES.millilitrePerYear },
  cm3: { volume: CODES.cubicCentimetre, perYear: CODES.cubicCentimetrePerYear },
};
