import { codeOf, messageOf } from '../coded-error.ts';
import { loadModel, type Model } from '../segmentation/model/model-folder.ts';
import { type Finding, ok, trouble } from './finding.ts';

export interface ModelsUnderTest {
  readonly folder: string;
  /** Name of the model of each modality; null: series of it are not segmented. */
  readonly names: Readonly<Record<Model['info']['modality'], string | null>>;
  /** The same of models that are tried beside those. */
  readonly candidates?: ModelsUnderTest['names'];
}

/** What a model is for, and what comes of it if it cannot be used. */
interface Part {
  readonly check: string;
  readonly key: string;
  readonly why: string;
}
const inUse = (modality: string): Part => ({
  check: `model for ${modality}`,
  key: 'models',
  why: 'Series of that kind fail until it is put right.',
});
const asCandidate = (modality: string): Part => ({
  check: `candidate for ${modality}`,
  key: 'models.candidates',
  why: 'It is not tried until it is put right; studies are not touched.',
});

/** Each configured model: is it there, are its files unchanged, is it for what it is configured for? */
export async function checkModels({ folder, names, candidates }: ModelsUnderTest): Promise<Finding[]> {
  const check = (named: object, part: (modality: string) => Part) =>
    Object.entries(named)
      .filter((entry): entry is [string, string] => entry[1] !== null)
      .map(([modality, name]) => checkModel(modality, name, folder, part(modality)));
  const ofCandidates = check(candidates ?? {}, asCandidate);
  const ofModels = check(names, inUse);
  const found = await Promise.all([...ofModels, ...ofCandidates]);
  return ofModels.length === 0 ? [noModelConfigured(), ...found] : found;
}

export const noModelConfigured = (): Finding =>
  trouble(
    'models',
    'problem',
    'no model is configured',
    'Nothing is segmented; every study is left out.',
    'Import one (models import) and name it: models.CT, models.T1W, models.T2W.',
  );

async function checkModel(
  modality: string,
  name: string,
  folder: string,
  { check, key, why }: Part,
): Promise<Finding> {
  try {
    const { info, networks } = await loadModel(name, [folder]);
    if (info.modality !== modality) {
      const what = `${name} is a model for ${info.modality}`;
      return trouble(
        check,
        'problem',
        what,
        why,
        `Name it at ${key}.${info.modality}, or another one at ${key}.${modality}.`,
      );
    }
    const what = `${info.title}, version ${info.version}, ${networks.length} fold(s), hashes right`;
    if (info.notice === undefined) return ok(check, what);
    return trouble(
      check,
      'warning',
      `${what}; ${info.notice}`,
      'Its results carry this notice.',
      'For anything but a try, import the weights of PanSegNet: README.md.',
    );
  } catch (error) {
    const todo =
      codeOf(error) === 'MODEL_MISSING'
        ? `Check models.folder (${folder}) and the name; models list shows what is there.`
        : 'Import it again (models import), and check the disk if it happens again.';
    return trouble(check, 'problem', messageOf(error), why, todo);
  }
}
