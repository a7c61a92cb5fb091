import { ageInYears } from '../../dicom/reading/age.ts';
import { type MeaningSettings, meaningSentences } from '../../results/meaning.ts';
import type { StudyHeader } from '../../store/records/study-header.ts';

/** What the site wants said of a volume, by what is kept of its study. */
export function meaningOf(
  settings: MeaningSettings | undefined,
  header: StudyHeader | undefined,
  { ml, images }: { readonly ml: number; readonly images: string },
): string[] {
  if (!header) return [];
  const { birthDate, studyDate, weightKg, sizeM } = header;
  const ageYears = ageInYears({ PatientBirthDate: birthDate, StudyDate: studyDate });
  return meaningSentences(settings, { ml, images, ageYears, size: { weightKg, heightM: sizeM } });
}
