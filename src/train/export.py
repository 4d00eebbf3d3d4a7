"""Model directory in Hugging Face layout: written from a trained model, read back for evaluation."""
import json
import math
import pathlib

import numpy as np
import torch

import bpe
import llama
import model as gpt


def write_safetensors(path, tensors):
    """tensors: name -> float16 array. Names in order, data right after the 8-aligned header."""
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, array in sorted(tensors.items()):
        begin, end = end, end + array.nbytes
        header[name] = {"dtype": "F16", "shape": array.shape, "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, array in sorted(tensors.items()):
            file.write(array.astype("<f2").tobytes())


def read_safetensors(path):
    """Name -> float32 tensor of a file that write_safetensors wrote."""
    raw = pathlib.Path(path).read_bytes()
    start = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:start])
    return {name: torch.from_numpy(np.frombuffer(
                raw, "<f2", math.prod(info["shape"]), start + info["data_offsets"][0])
                .astype(np.float32).reshape(info["shape"]))
            for name, info in header.items() if name != "__metadata__"}


def write(model, tokenizer, folder):
    """Writes config, tokenizer and float16 weights; the output head is tied to the embedding, so absent."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    ends = {"bos_token_id": tokenizer.end, "eos_token_id": tokenizer.end}
    special = {"bos_token": bpe.END, "eos_token": bpe.END, "unk_token": bpe.END}
    files = {
        "config.json": {**model.config(), **ends, "torch_dtype": "float16"},
        "generation_config.json": {
            **ends, "do_sample": True, "temperature": 0.8, "top_k": 0, "top_p": 0.95,
            "repetition_penalty": 1.1, "max_new_tokens": 300},
        "tokenizer.json": tokenizer.to_json(),
        "tokenizer_config.json": {
            "tokenizer_class": "GPT2Tokenizer" if isinstance(model, gpt.Gpt) else "PreTrainedTokenizerFast",
            "model_max_length": model.n_positions,
            "add_prefix_space": False, "clean_up_tokenization_spaces": False, **special},
        "special_tokens_map.json": special}
    for name, content in files.items():
        text = json.dumps(content, indent=None if name == "tokenizer.json" else 2, ensure_ascii=False)
        (folder / name).write_text(text + "\n", encoding="utf-8")
    tensors = {model.prefix + name: p.detach().cpu().half().numpy() for name, p in model.named_parameters()}
    write_safetensors(folder / "model.safetensors", tensors)


def read(folder, dtype=torch.float32):
    """The model in a directory that write made."""
    folder = pathlib.Path(folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    model = {"gpt2": gpt.Gpt, "llama": llama.Llama}[config["model_type"]].of(config, dtype)
    tensors = read_safetensors(folder / "model.safetensors")
    model.load_state_dict({name.removeprefix(model.prefix): t for name, t in tensors.items()})
    return model
