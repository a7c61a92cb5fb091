import { type DicomDataset, text } from './dataset.ts';

/** Units of the VR AS (PS3.5 section 6.2), as parts of a year. */
const AGE_UNITS: Readonly<Record<string, number>> = { D: 365.25, W: 52.18, M: 12, Y: 1 };

/**
 * The patient's age on the day of the study, in full years: from PatientBirthDate and StudyDate or, where
 * these say nothing, PatientAge. Who was born on 29 February is a year older on 1 March of other years.
 */
export function ageInYears(image: DicomDataset): number | undefined {
  const born = calendarDay(text(image, 'PatientBirthDate'));
  const studied = calendarDay(text(image, 'StudyDate'));
  if (!born || !studied || studied.number < born.number) return patientAge(text(image, 'PatientAge'));
  return studied.year - born.year - (studied.monthAndDay < born.monthAndDay ? 1 : 0);
}

function patientAge(age: string | undefined): number | undefined {
  const [, count, unit] = /^(\d{3})([DWMY])$/.exec(age ?? '') ?? [];
  const perYear = AGE_UNITS[unit ?? ''];
  return perYear === undefined ? undefined : Math.floor(Number(count) / perYear);
}

/** A date of the VR DA; undefined where it is none. */
function calendarDay(date: string | undefined) {
  const [, year, month, day] = /^(\d{4})(\d\d)(\d\d)$/.exec(date ?? '') ?? [];
  const isDate =
    year !== undefined && new Date(`${year}-${month}-${day}`).toJSON()?.startsWith(`${year}-${month}-${day}`);
  return isDate
    ? { year: Number(year), monthAndDay: `${month}${day}`, number: Number(`${year}${month}${day}`) }
    : undefined;
}
