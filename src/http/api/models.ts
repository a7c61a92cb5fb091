import type { ApiParts } from './api-parts.ts';
import { candidatesAnswer, modelsAnswer } from './model-answers.ts';
import type { Operation } from './operation.ts';

/** Which models are in use, and how candidates do beside them. */
export const modelOperations = ({ modelsInUse, candidates }: ApiParts): Operation[] => [
  {
    method: 'get',
    path: '/models',
    summary: 'The model in use for each kind of images, and its candidate',
    answer: { status: 200, description: 'one entry for each kind', schema: modelsAnswer },
    handle: async (_request, response) => {
      response.json({ models: await modelsInUse() });
    },
  },
  {
    method: 'get',
    path: '/candidates',
    summary: 'How candidates compare with the models in use',
    answer: { status: 200, description: 'one group for each pair of models', schema: candidatesAnswer },
    handle: async (_request, response) => {
      response.json(await candidates.report());
    },
  },
];
