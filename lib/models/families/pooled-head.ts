// The Python class that gives a transformers encoder the head that ours has and transformers' own classes have not: pooled tokens, then one dense layer.

export const pooledHeadFile = 'modeling_pooled.py'
export const pooledHeadClass = (type: string) => `${type}PooledForSequenceClassification`

/** `type` such as 'Bert', `body` the attribute that transformers gives the encoder, such as 'bert'. */
export const pooledHead = (type: string, body: string, pooling: 'mean' | 'first'): string => `# ${type} with a head on ${pooling === 'mean' ? 'the mean of its tokens' : 'its first token'}, as afinar trained it. Written with the weights; load with
# AutoModelForSequenceClassification.from_pretrained(folder, trust_remote_code=True).
import torch
from torch import nn
from transformers import ${type}Model, ${type}PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput


class ${pooledHeadClass(type)}(${type}PreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.num_labels = config.num_labels
        self.${body} = ${type}Model(config${type === 'DistilBert' ? '' : ', add_pooling_layer=False'})
        self.dropout = nn.Dropout(${type === 'DistilBert' ? 'config.dropout' : 'config.hidden_dropout_prob'})
        self.head = nn.Linear(${type === 'DistilBert' ? 'config.dim' : 'config.hidden_size'}, config.num_labels)
        self.post_init()

    def forward(self, input_ids=None, attention_mask=None, labels=None, ${type === 'Bert' ? 'token_type_ids=None, ' : ''}**kwargs):
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        hidden = self.${body}(input_ids=input_ids, attention_mask=attention_mask${type === 'Bert' ? ', token_type_ids=token_type_ids' : ''}).last_hidden_state
${pooling === 'mean' ? `        weights = attention_mask.unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9)` : '        pooled = hidden[:, 0]'}
        logits = self.head(self.dropout(pooled))
        loss = None
        if labels is not None:
            kind = self.config.problem_type
            if kind == "regression":
                loss = nn.functional.mse_loss(logits.squeeze(), labels.squeeze())
            elif kind == "multi_label_classification":
                loss = nn.functional.binary_cross_entropy_with_logits(logits, labels)
            else:
                loss = nn.functional.cross_entropy(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)
`
