"""The course's functions, as its readers write them, wrapped with nothing but calls of them: all are right."""

import numpy as np
import pytest

import fcframe

# The functions, in the style of the notebook.


def affine_forward(x, w, b):
    out = x.reshape(x.shape[0], -1).dot(w) + b
    cache = (x, w, b)
    return out, cache


def affine_backward(dout, cache):
    x, w, _ = cache
    dx = dout.dot(w.T).reshape(x.shape)
    dw = x.reshape(x.shape[0], -1).T.dot(dout)
    db = np.sum(dout, axis=0)
    return dx, dw, db


def relu_forward(x):
    out = np.maximum(0, x)
    cache = x
    return out, cache


def relu_backward(dout, cache):
    x = cache
    return dout * (x > 0)


def dropout_forward(x, dropout_param):
    p, mode, rng = dropout_param["p"], dropout_param["mode"], dropout_param["rng"]
    mask = None
    if mode == "train":
        mask = (rng.random(x.shape) < p) / p
        out = x * mask
    elif mode == "test":
        out = x
    cache = (dropout_param, mask)
    out = out.astype(x.dtype, copy=False)
    return out, cache


def dropout_backward(dout, cache):
    dropout_param, mask = cache
    mode = dropout_param["mode"]
    if mode == "train":
        dx = (dout * mask).astype(dout.dtype, copy=False)
    elif mode == "test":
        dx = dout
    return dx


def batchnorm_forward(x, gamma, beta, bn_param):
    mode, eps, momentum = bn_param["mode"], bn_param["eps"], bn_param["momentum"]
    running_mean, running_var = bn_param["running_mean"], bn_param["running_var"]
    out, cache = None, None
    if mode == "train":
        mu = np.mean(x, axis=0)
        var = np.var(x, axis=0)
        std = np.sqrt(var + eps)
        xhat = (x - mu) / std
        out = gamma * xhat + beta
        running_mean = momentum * running_mean + (1 - momentum) * mu
        running_var = momentum * running_var + (1 - momentum) * var
        cache = (xhat, gamma, std)
    elif mode == "test":
        std = np.sqrt(running_var + eps)
        xhat = (x - running_mean) / std
        out = gamma * xhat + beta
        cache = (xhat, gamma, std)
    bn_param["running_mean"] = running_mean
    bn_param["running_var"] = running_var
    return out, cache


def batchnorm_backward(dout, cache):
    xhat, gamma, std = cache
    N = dout.shape[0]
    dgamma = np.sum(dout * xhat, axis=0)
    dbeta = np.sum(dout, axis=0)
    dxhat = dout * gamma
    dx = (N * dxhat - np.sum(dxhat, axis=0) - xhat * np.sum(dxhat * xhat, axis=0)) / (N * std)
    return dx, dgamma, dbeta


def svm_loss(x, y):
    N = x.shape[0]
    correct_class_scores = x[np.arange(N), y]
    margins = np.maximum(0, x - correct_class_scores[:, np.newaxis] + 1.0)
    margins[np.arange(N), y] = 0
    loss = np.sum(margins) / N
    num_pos = np.sum(margins > 0, axis=1)
    dx = np.zeros_like(x)
    dx[margins > 0] = 1
    dx[np.arange(N), y] -= num_pos
    dx /= N
    return loss, dx


def softmax_loss(x, y):
    probs = np.exp(x - np.max(x, axis=1, keepdims=True))
    probs /= np.sum(probs, axis=1, keepdims=True)
    N = x.shape[0]
    loss = -np.sum(np.log(np.maximum(probs[np.arange(N), y], np.finfo(x.dtype).tiny))) / N
    dx = probs.copy()
    dx[np.arange(N), y] -= 1
    dx /= N
    return loss, dx


# The wrappers.


class CourseAffine(fcframe.Layer):
    type = "course_affine"
    examples = (fcframe.Example(input_shape=(2, 3), units=5),)
    units: int = 4

    def output_shape(self, input_shape):
        return (self.units,)

    def parameters(self, input_shape):
        return {
            "w": fcframe.Parameter((np.prod(input_shape), self.units), 0.1),
            "b": fcframe.Parameter((self.units,), 0.0, decay=False),
        }

    def forward(self, x, params, ctx):
        return affine_forward(x, params["w"], params["b"])

    def backward(self, dout, cache, ctx):
        dx, dw, db = affine_backward(dout, cache)
        return dx, {"w": dw, "b": db}


class SameShape(fcframe.Layer):
    def output_shape(self, input_shape):
        return input_shape


class CourseReLU(fcframe.Layer):
    type = "course_relu"

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        return relu_forward(x)

    def backward(self, dout, cache, ctx):
        return relu_backward(dout, cache), {}


class CourseDropout(fcframe.Layer):
    type = "course_dropout"
    stochastic = True
    examples = (fcframe.Example(input_shape=(5,), p=0.7),)
    p: float = 0.5

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        return dropout_forward(x, {"p": self.p, "mode": "train" if ctx.training else "test", "rng": ctx.rng})

    def backward(self, dout, cache, ctx):
        return dropout_backward(dout, cache), {}


class CourseBatchNorm(fcframe.Layer):
    type = "course_batchnorm"
    examples_independent = False
    minimum_batch = 2
    examples = (fcframe.Example(input_shape=(5,)),)

    def output_shape(self, input_shape):
        return input_shape

    def parameters(self, input_shape):
        return {name: fcframe.Parameter(input_shape, start, decay=False) for name, start in (("gamma", 1), ("beta", 0))}

    def state(self, input_shape):
        return {"running_mean": fcframe.Parameter(input_shape, 0), "running_var": fcframe.Parameter(input_shape, 1)}

    def forward(self, x, params, ctx):
        bn_param = {"mode": "train" if ctx.training else "test", "eps": 1e-5, "momentum": 0.9, **ctx.state}
        out, cache = batchnorm_forward(x, params["gamma"], params["beta"], bn_param)
        if ctx.training:
            for name in ("running_mean", "running_var"):
                ctx.state[name] = bn_param[name]
        return out, (cache, ctx.training)

    def backward(self, dout, cache, ctx):
        (xhat, gamma, std), training = cache
        if not training:
            return dout * gamma / std, {"gamma": (dout * xhat).sum(axis=0), "beta": dout.sum(axis=0)}
        dx, dgamma, dbeta = batchnorm_backward(dout, (xhat, gamma, std))
        return dx, {"gamma": dgamma, "beta": dbeta}


class CourseSVM(fcframe.Loss):
    type, targets = "course_svm", fcframe.Classes()

    def value_and_grad(self, scores, y, ctx):
        return svm_loss(scores, y)


class CourseSoftmax(fcframe.Loss):
    type, targets = "course_softmax", fcframe.Classes()

    def value_and_grad(self, scores, y, ctx):
        return softmax_loss(scores, y)


ALL = [CourseAffine, CourseReLU, CourseDropout, CourseBatchNorm, CourseSVM, CourseSoftmax]


@pytest.mark.parametrize("component", ALL, ids=lambda one: one.type)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_courses_own_code_is_right(component, seed):
    report = fcframe.gradcheck(component, seed=seed)
    assert report.verdict == "right"
    assert report.passed, "\n".join(map(str, report.failures))


def test_a_network_of_the_courses_functions_trains():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 6))
    y = (X[:, 0] > X[:, 1]).astype(int)
    layers = (CourseAffine(units=20), CourseBatchNorm(), CourseReLU(), CourseDropout(p=0.9), CourseAffine(units=2))
    for loss in (CourseSVM(), CourseSoftmax()):
        spec = fcframe.ExperimentSpec.model_validate(
            {
                "network": {"input": [6], "layers": layers, "loss": loss},
                "training": {"optimizer": {"type": "adam", "learning_rate": 0.01}, "epochs": 30, "batch_size": 20},
            }
        )
        run = fcframe.train(spec, data=(X, y))
        assert run.history.evaluations[-1].results["train_loss"] < 0.2
