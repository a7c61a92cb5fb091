import { z } from 'zod';
import { modelUses } from '../compose/model-uses.ts';
import { configuredNames } from '../compose/models.ts';
import type { ModelUse } from '../http/api/model-answers.ts';
import { listModels } from '../segmentation/model/model-folder.ts';
import { defineCommand } from './definition/command.ts';
import { jsonFlag } from './definition/field.ts';

export const modelsList = defineCommand({
  name: 'models list',
  help: 'the models of the configured folder: which are in use, and which cannot be used',
  runs: 'in-node',
  options: z.strictObject({ json: jsonFlag }),
  worksWithoutDatabase: true,
  run: async ({ json }, { config, database, print }) => {
    const { folder, candidates } = config.models;
    const uses = await modelUses(configuredNames(config), candidates, database);
    const listed = (await listModels(folder)).map(({ folder: at, model, error }) => ({
      folder: at,
      ...(model
        ? {
            name: model.info.name,
            modality: model.info.modality,
            version: model.info.version,
            title: model.info.title,
            notice: model.info.notice ?? null,
            sha256: model.sha256,
            ...placeOf({ ...model.info, sha256: model.sha256 }, uses),
          }
        : { error: error.message }),
    }));
    if (json) return print(JSON.stringify(listed));
    if (listed.length === 0) return print(`no models in ${folder}`);
    for (const model of listed) {
      print(
        'name' in model
          ? `${model.name}  ${model.modality}  ${model.version}  ` +
              `${model.title}${model.notice ? `  (${model.notice})` : ''}${placeWords(model)}`
          : `${model.folder}  cannot be used: ${model.error}`,
      );
    }
  },
});

interface Place {
  readonly use: 'in use' | 'candidate' | null;
  /** Of the model in use, where it was promoted. */
  readonly promoted: { readonly by: string; readonly at: string; readonly because: string | null } | null;
  /** The folder holds another model than the one that was promoted: none is used. */
  readonly isExchanged: boolean;
}

function placeOf(
  { name, modality, sha256 }: { readonly name: string; readonly modality: string; readonly sha256: string },
  uses: readonly ModelUse[],
): Place {
  const of = uses.find((one) => one.class === modality);
  const { promotion } = of ?? {};
  const stands = promotion?.model === name && promotion.overruledAt === null;
  return {
    use: of?.inUse === name ? 'in use' : of?.candidate === name ? 'candidate' : null,
    isExchanged: stands && promotion.sha256 !== sha256,
    promoted: stands ? { by: promotion.by, at: promotion.at, because: promotion.because } : null,
  };
}

function placeWords({ use, promoted, isExchanged }: Place): string {
  if (use === null) return '';
  if (isExchanged) return '  [another than the one that was promoted under this name: not used]';
  if (!promoted) return `  [${use}]`;
  const { by, at, because } = promoted;
  return `  [${use}, promoted ${at.slice(0, 10)} by ${by}${because === null ? '' : `: ${because}`}]`;
}
