import { codeOf, messageOf } from '../coded-error.ts';
import { loadModel, type Model } from '../segmentation/model/model-folder.ts';
import { type Finding, ok, trouble } from './finding.ts';

export interface ModelsUnderTest {
  readonly folder: string;
  /** Name of the model of each modality; null: series of it are not segmented. */
  readonly names: Readonly<Record<Model['info']['modality'], string | null>>;
}

const WHY = 'Series of that kind fail until it is put right.';

/** Each configured model: is it there, are its files unchanged, is it for what it is configured for? */
export async function checkModels({ folder, names }: ModelsUnderTest): Promise<Finding[]> {
  const configured = Object.entries(names).filter((entry): entry is [string, string] => entry[1] !== null);
  if (configured.length === 0) return [noModelConfigured()];
  return Promise.all(configured.map(([modality, name]) => checkModel(modality, name, folder)));
}

export const noModelConfigured = (): Finding =>
  trouble(
    'models',
    'problem',
    'no model is configured',
    'Nothing is segmented; every study is left out.',
    'Import one (models import) and name it: models.CT, models.T1W, models.T2W.',
  );

async function checkModel(modality: string, name: string, folder: string): Promise<Finding> {
  const check = `model for ${modality}`;
  try {
    const { info, networks } = await loadModel(name, [folder]);
    if (info.modality !== modality) {
      const what = `${name} is a model for ${info.modality}`;
      return trouble(
        check,
        'problem',
        what,
        WHY,
        `Name it at models.${info.modality}, or another one at models.${modality}.`,
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
    return trouble(check, 'problem', messageOf(error), WHY, todo);
  }
}
