"""temporary"""
from __future__ import annotations
import numpy as np, math
_RED={"sum","prod","mean","min","max","any","all","amin","amax"}
_CRE={"zeros","empty","ones","full","zeros_like","empty_like","ones_like","full_like","copy"}
_B={"abs","min","max","round","int","float","bool","complex","pow"}
def kind(path):
    if path is None: return None
    mod,_,name=path.rpartition(".")
    if mod=="builtins":
        return "query" if name=="len" else "elementwise" if name in _B else None
    if mod=="math": return "elementwise"
    if mod=="numpy":
        if name in _RED: return "reduction"
        if name in _CRE: return "creation"
        if name in ("dot","matmul"): return "contraction"
        if name in ("transpose","swapaxes"): return "view"
        if name in ("shape","ndim","size"): return "query"
        if isinstance(getattr(np,name,None),np.ufunc) or name in ("where","clip","real","imag","round","float64","float32","int64","int32","complex128","complex64","bool_"): return "elementwise"
        return "library"
    if mod.startswith("numpy."): return "library"
    return None
def method(name):
    return {"sum":"numpy.sum","mean":"numpy.mean","min":"numpy.min","max":"numpy.max","prod":"numpy.prod","any":"numpy.any","all":"numpy.all","copy":"numpy.copy","dot":"numpy.dot","transpose":"numpy.transpose","conj":"numpy.conjugate","conjugate":"numpy.conjugate"}.get(name)
def pure(path): return True
